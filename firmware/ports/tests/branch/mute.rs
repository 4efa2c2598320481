//! A broker that greets, answers pings, and never acknowledges a publication.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};

/// The port it listens on.
pub fn mute_broker() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // It ends when the client goes.
            std::thread::spawn(move || serve(stream).ok());
        }
    });
    port
}

fn serve(mut stream: TcpStream) -> Result<()> {
    loop {
        let (kind, body) = packet(&mut stream)?;
        match kind {
            1 => stream.write_all(&[0x20, 2, 0, 0])?,
            8 => stream.write_all(&[0x90, 3, body[0], body[1], 1])?,
            12 => stream.write_all(&[0xd0, 0])?,
            _ => {}
        }
    }
}

fn packet(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let kind = byte[0] >> 4;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}
