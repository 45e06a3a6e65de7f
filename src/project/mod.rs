//! Files on disk: phases.toml, migrations, rollback scripts.
