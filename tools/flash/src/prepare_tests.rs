//! Images that are believed and images that are not, before any disk is looked at.

use tempfile::TempDir;

use super::*;
use crate::manifest::SigningKey;
use crate::map_of::map_of;

/// A folder with an image, its map, its manifest and the key.
struct Shelf(TempDir);

impl Shelf {
    fn new() -> Self {
        let shelf = Self(TempDir::new().expect("there is room for a folder"));
        let data = vec![5; 10_000];
        shelf.put("box.img", &data);
        shelf.put("box.img.bmap", map_of(&data, 4096).as_bytes());
        shelf.put("key.pub", include_bytes!("../tests/data/key.pub.pem"));
        shelf.sign();
        shelf
    }

    fn sign(&self) {
        let secret = include_bytes!("../tests/data/key.pem");
        let key = SigningKey::of_pem(secret, Path::new("key.pem")).expect("the key is good");
        let image = Image::look(&self.at("box.img")).expect("it is there");
        let bmap = fs::read(self.at("box.img.bmap")).expect("it is there");
        let manifest = Manifest::of(&image, Some(&bmap), "qemu", "1").expect("it can be read");
        let text = serde_json::to_vec(&manifest).expect("it is JSON");
        self.put("box.img.manifest.json", &text);
        self.put("box.img.manifest.json.sig", &key.sign(&text));
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, data: &[u8]) {
        fs::write(self.at(name), data).expect("there is room for a file");
    }

    fn order(&self) -> Order {
        Order { image: self.at("box.img"), key: Some(self.at("key.pub")), ..Order::default() }
    }
}

#[test]
fn a_signed_image_is_found_with_its_map_and_manifest() {
    let shelf = Shelf::new();
    let prepared = prepare(&shelf.order()).expect("all is good");
    assert_eq!(prepared.plan.image_bytes(), 10_000);
    assert!(prepared.promise.sha256.is_some() && prepared.promise.bmap.is_some());
    assert_eq!(prepared.signed.map(|signed| signed.manifest.board).as_deref(), Some("qemu"));
}

#[test]
fn a_changed_image_map_manifest_or_signature_is_refused() {
    for name in ["box.img", "box.img.bmap", "box.img.manifest.json", "box.img.manifest.json.sig"] {
        let shelf = Shelf::new();
        let mut data = fs::read(shelf.at(name)).expect("it is there");
        data[20] ^= 1;
        shelf.put(name, &data);
        assert!(matches!(prepare(&shelf.order()), Err(PrepareError::Manifest(_))), "{name}");
    }
}

#[test]
fn a_truncated_image_is_refused_by_manifest_and_by_map() {
    let shelf = Shelf::new();
    shelf.put("box.img", &[5; 9_999]);
    assert!(matches!(prepare(&shelf.order()), Err(PrepareError::Manifest(ManifestError::Other(_)))));
    let by_map = prepare(&Order { key: None, ..shelf.order() });
    assert!(matches!(by_map, Err(PrepareError::Size { expected: 10_000, found: 9_999 })));
}

#[test]
fn a_key_makes_the_signature_a_must_until_it_is_waived() {
    let shelf = Shelf::new();
    fs::remove_file(shelf.at("box.img.manifest.json")).expect("it is there");
    assert!(matches!(prepare(&shelf.order()), Err(PrepareError::NoManifest(_))));
    let waived = prepare(&Order { unsigned: true, ..shelf.order() }).expect("it is waived");
    assert!(waived.signed.is_none());
}

#[test]
fn what_needs_a_key_is_refused_without_one() {
    let shelf = Shelf::new();
    let order = Order { key: None, ..shelf.order() };
    assert!(prepare(&order).expect("nothing was asked for").signed.is_none());
    let with_manifest = Order { manifest: Some(shelf.at("box.img.manifest.json")), ..order.clone() };
    assert!(matches!(prepare(&with_manifest), Err(PrepareError::NoKey)));
    assert!(matches!(prepare(&Order { require_signature: true, ..order }), Err(PrepareError::NoKey)));
}

#[test]
fn an_image_for_another_board_is_refused() {
    let shelf = Shelf::new();
    let order = |board: &str| Order { board: Some(board.to_owned()), ..shelf.order() };
    assert!(prepare(&order("qemu")).is_ok());
    assert!(matches!(prepare(&order("rpi-cm4")), Err(PrepareError::Board { .. })));
    let unsigned = Order { key: None, ..order("qemu") };
    assert!(matches!(prepare(&unsigned), Err(PrepareError::BoardUnknown)));
}

#[test]
fn without_a_map_all_is_written() {
    let shelf = Shelf::new();
    let prepared = prepare(&Order { no_bmap: true, ..shelf.order() }).expect("all is good");
    assert!(prepared.promise.bmap.is_none());
    assert_eq!(prepared.plan, Plan::whole(10_000));
}

#[test]
fn the_map_of_a_packed_image_is_found_by_the_unpacked_name() {
    let shelf = Shelf::new();
    for image in ["box.img", "box.img.zst", "box.img.xz"] {
        assert_eq!(bmap_beside(&shelf.at(image)), Some(shelf.at("box.img.bmap")), "{image}");
    }
    assert_eq!(bmap_beside(&shelf.at("other.img")), None);
}
