//! New projects and new migrations. Nothing that exists is ever overwritten.

mod files;
mod init;
mod new_migration;

pub use files::ScaffoldError;
pub use init::init;
pub use new_migration::{Created, NewMigration, NewMigrationError, new_migration};
