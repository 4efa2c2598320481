//! The WAN machine against simulated links and a simulated kernel: whatever lasts long or needs luck.

mod boot;
mod endurance;
mod explain;
mod failure;
mod kernel;
mod need;
mod site;
