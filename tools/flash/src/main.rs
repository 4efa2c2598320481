//! `holdfast-flash`: the technician's tool for cards. It says what it does; the library does it.

mod args;
mod choose;
mod list;
mod progress;
mod sign;
mod signals;
mod voice;
mod write;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, What};

/// Nothing was written.
const REFUSED: u8 = 1;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { REFUSED } else { 0 };
            // Without a place to print there is still the exit code.
            error.print().unwrap_or_default();
            return ExitCode::from(code);
        }
    };
    let ended = match arguments.what {
        What::List(list) => list::run(&list).map(|()| 0),
        What::Write(write) => write::run(&write),
        What::Sign(sign) => sign::run(&sign).map(|()| 0),
    };
    ExitCode::from(ended.unwrap_or_else(|error| {
        eprintln!("holdfast-flash: {error:#}");
        REFUSED
    }))
}
