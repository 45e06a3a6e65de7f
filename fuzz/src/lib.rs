//! What the fuzz targets and `check` share: the comparison with PostgreSQL's own parser, and generators
//! of inputs that get past the first check of what is tested.

pub mod differ;
pub mod server;
pub mod shown;
pub mod soup;
