//! Cuts, damage, bounds and restarts, on a real file system.

mod damage;
mod disk;
mod stand;
mod told;
