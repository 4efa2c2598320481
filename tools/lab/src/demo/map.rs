//! The drawing that the audience sees first.

use lab::{Link, plan};

/// The branch and what it hangs on.
pub(crate) fn drawing(names: &[(Link, String)]) -> String {
    let [host, _] = plan::LAN_HOST;
    let [own, _] = plan::BOX_LAN;
    let mut text = format!(
        "\n    LAN host ------- box ------------ ISPs ------------ internet\n    {}    {}\n",
        host.address, own.address
    );
    for (link, name) in names {
        let [near, _] = plan::box_wan(*link);
        let [gateway, _] = plan::gateway(*link);
        text.push_str(&format!(
            "                      |-- {link}: {name:<6} {:<13} -- {:<13} --+\n",
            near.address.to_string(),
            gateway.address.to_string()
        ));
    }
    let [target, _] = plan::TARGETS[0];
    let [broker, _] = plan::BROKER;
    let [station, _] = plan::STATION;
    let [far, _] = plan::FAR_END;
    text.push_str(&format!(
        "    on the box: holdfastd, a line card (ata-sim) with two alarm panels |\n    \
         echo targets {}-3, broker and NOC {}, station {}, far end {}\n",
        target.address, broker.address, station.address, far.address
    ));
    text
}
