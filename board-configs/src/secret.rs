//! Where a secret lies, as the site file says it.

use std::path::Path;

use crate::Secret;

const CREDENTIAL: &str = "credential:";

/// A relative path stays relative here; [`joined`] makes it whole.
pub(crate) fn parse(text: &str) -> Option<Secret> {
    let clean = !text.is_empty() && text.len() <= 1024 && !text.chars().any(char::is_control);
    match text.strip_prefix(CREDENTIAL) {
        Some(name) => is_credential(name).then(|| Secret::Credential(name.to_owned())),
        None => clean.then(|| Secret::File(text.into())),
    }
}

/// Relative to the folder of the site file.
pub(crate) fn joined(secret: Secret, site_file: &Path) -> Secret {
    match secret {
        Secret::File(path) => {
            Secret::File(site_file.parent().map_or_else(|| path.clone(), |folder| folder.join(&path)))
        }
        Secret::Credential(name) => Secret::Credential(name),
    }
}

/// systemd.exec(5): names of credentials are names of files.
fn is_credential(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=255).contains(&name.len()) && name.bytes().all(allowed) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_file_or_a_credential() {
        let file = |path: &str| Some(Secret::File(path.into()));
        let cases = [
            ("credential:site-key", Some(Secret::Credential("site-key".into()))),
            ("keys/site.key", file("keys/site.key")),
            ("/etc/site.key", file("/etc/site.key")),
            ("credential:", None),
            ("credential:../x", None),
            ("credential:..", None),
            ("", None),
            ("a\nb", None),
        ];
        for (text, secret) in cases {
            assert_eq!(parse(text), secret, "{text:?}");
        }
    }

    #[test]
    fn a_relative_file_lies_beside_the_site_file() {
        let at = |text| joined(parse(text).unwrap(), Path::new("/etc/holdfast/site.toml"));
        assert_eq!(at("site.key"), Secret::File("/etc/holdfast/site.key".into()));
        assert_eq!(at("/run/site.key"), Secret::File("/run/site.key".into()));
        assert_eq!(at("credential:k"), Secret::Credential("k".into()));
        assert_eq!(joined(parse("k").unwrap(), Path::new("site.toml")), Secret::File("k".into()));
    }
}
