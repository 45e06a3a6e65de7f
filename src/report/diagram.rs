//! A database's tables by domain, with the foreign keys between them: what `evmig diagram` draws.

use serde::Serialize;

use super::target::Target;

/// By what the tables were put into domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupedBy {
    /// `[[diagram.domain]]` in `phases.toml`; what it does not name, by the migrations or the references.
    Configuration,
    /// The migration files that made them.
    Migrations,
    /// The foreign keys: tables that refer to each other more than to others.
    References,
}

impl GroupedBy {
    /// Returns what a reader is told.
    pub fn words(self) -> &'static str {
        match self {
            Self::Configuration => "domains from phases.toml",
            Self::Migrations => "domains from the migration files",
            Self::References => "domains from the foreign keys",
        }
    }
}

/// A table's name. The order is that of the names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TableName {
    /// Its schema.
    pub schema: String,
    /// Its own name.
    pub name: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagramColumn {
    /// Its name.
    pub name: String,
    /// Its type, as PostgreSQL writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it cannot be null.
    pub not_null: bool,
    /// Whether it is in the primary key.
    pub primary_key: bool,
    /// Whether it is unique by itself.
    pub unique: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagramTable {
    /// Its name.
    #[serde(flatten)]
    pub name: TableName,
    /// What the database says about it.
    pub comment: Option<String>,
    /// How many partitions it has, which are not drawn; 0 where it is not partitioned.
    pub partitions: usize,
    /// Its columns in their order.
    pub columns: Vec<DiagramColumn>,
}

/// A group of tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagramDomain {
    /// Its name.
    pub name: String,
    /// Its tables by name.
    pub tables: Vec<DiagramTable>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Reference {
    /// The table that has it.
    pub from: TableName,
    /// The table that it refers to, which need not be among those drawn.
    pub to: TableName,
    /// Its name.
    pub name: String,
    /// The columns that it is made of.
    pub columns: Vec<String>,
    /// The columns that they refer to.
    pub to_columns: Vec<String>,
    /// What happens when the row that is referred to is deleted, where that is not an error.
    pub on_delete: Option<String>,
}

/// The result of `evmig diagram`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiagramReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// The database.
    pub target: Target,
    /// By what the tables were put into domains.
    pub grouped_by: GroupedBy,
    /// The domains.
    pub domains: Vec<DiagramDomain>,
    /// The foreign keys of the tables that are drawn.
    pub references: Vec<Reference>,
}

impl DiagramReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.diagram/1";

    /// Returns all tables, domain after domain.
    pub fn tables(&self) -> impl Iterator<Item = &DiagramTable> {
        self.domains.iter().flat_map(|domain| &domain.tables)
    }
}
