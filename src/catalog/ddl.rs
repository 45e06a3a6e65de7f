//! What an object is, as text to be read and compared: SQL where PostgreSQL has a command for it, and a comment line for
//! each property that no line above has told.

use super::grants::grants;
use super::model::{Identity, Kind, Object, Snapshot, quoted};

/// Writes an object's text; of a relation with its columns and constraints.
pub fn ddl(object: &Object, snapshot: &Snapshot) -> String {
    let mut text = Text {
        object,
        told: Vec::new(),
        lines: Vec::new(),
    };
    text.main(snapshot);
    text.rest();
    text.lines.join("\n") + "\n"
}

/// Returns whether an object is told as a part of the relation that it belongs to.
pub fn is_part(object: &Identity) -> bool {
    matches!(object.kind, Kind::Column | Kind::Constraint)
}

/// The columns and constraints of a relation or domain, columns in their order.
pub fn parts<'a>(of: &Identity, snapshot: &'a Snapshot) -> Vec<&'a Object> {
    let of_kind = |kind| {
        let first = Identity {
            kind,
            schema: of.schema.clone(),
            parent: Some(of.name.clone()),
            name: "".into(),
        };
        let objects = snapshot.objects();
        let start = objects.partition_point(|object| object.identity < first);
        objects[start..].iter().take_while(move |object| {
            object.identity.kind == kind
                && object.identity.schema == first.schema
                && object.identity.parent == first.parent
        })
    };
    let mut columns: Vec<&Object> = of_kind(Kind::Column).collect();
    columns.sort_by_key(|column| column.get("position").and_then(|at| at.parse::<u32>().ok()));
    columns.extend(of_kind(Kind::Constraint));
    columns
}

struct Text<'a> {
    object: &'a Object,
    /// Properties that a line has told.
    told: Vec<&'static str>,
    lines: Vec<String>,
}

impl<'a> Text<'a> {
    /// Returns a property, which is told with it.
    fn take(&mut self, property: &'static str) -> Option<&'a str> {
        self.told.push(property);
        self.object.get(property)
    }

    fn push(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Adds a text of several lines, with a semicolon behind it.
    fn push_sql(&mut self, sql: &str) {
        let sql = sql.trim_end().trim_end_matches(';');
        self.lines.extend(sql.lines().map(str::to_owned));
        if let Some(last) = self.lines.last_mut() {
            last.push(';');
        }
    }

    fn main(&mut self, snapshot: &Snapshot) {
        let name = name(&self.object.identity);
        match self.object.identity.kind {
            Kind::Table | Kind::ForeignTable | Kind::CompositeType => self.table(&name, snapshot),
            Kind::Column => {
                let line = self.column();
                self.push(line);
            }
            Kind::Constraint => {
                let line = self.constraint();
                self.push(line);
            }
            Kind::View | Kind::MaterializedView => self.view(&name),
            Kind::Index | Kind::Statistics | Kind::Rule | Kind::Trigger => {
                let definition = self.take("definition").unwrap_or_default();
                self.push_sql(definition);
            }
            Kind::Function | Kind::Procedure => {
                let definition = self.take("definition").unwrap_or_default();
                self.push_sql(definition);
            }
            Kind::Policy => self.policy(),
            Kind::Enum => {
                let labels = self.take("labels").unwrap_or_default();
                self.push(format!("CREATE TYPE {name} AS ENUM ({labels});"));
            }
            Kind::Domain => self.domain(&name, snapshot),
            Kind::Sequence => self.sequence(&name),
            Kind::Extension => {
                let schema = self.take("in_schema").map(quoted).unwrap_or_default();
                self.push(format!("CREATE EXTENSION {name} SCHEMA {schema};"));
            }
            // There is nothing but the grants, and each is a command.
            Kind::DefaultPrivileges | Kind::Grants => {}
            kind => self.push(format!("CREATE {} {name};", kind.in_commands())),
        }
    }

    fn table(&mut self, name: &str, snapshot: &Snapshot) {
        let unlogged = match self.take("persistence") {
            Some(word) => format!("{} ", word.to_uppercase()),
            None => String::new(),
        };
        let what = match self.object.identity.kind {
            Kind::ForeignTable => "FOREIGN TABLE",
            Kind::CompositeType => "TYPE",
            _ => "TABLE",
        };
        let of = match self.take("of_type") {
            Some(kind) => format!(" OF {kind}"),
            None => String::new(),
        };
        let is_type = self.object.identity.kind == Kind::CompositeType;
        let of = if is_type { " AS".to_owned() } else { of };
        self.push(format!("CREATE {unlogged}{what} {name}{of} ("));
        let parts: Vec<String> = parts(&self.object.identity, snapshot)
            .into_iter()
            .map(part)
            .collect();
        let last = parts.len();
        for (at, part) in parts.into_iter().enumerate() {
            let comma = if at + 1 < last { "," } else { "" };
            self.push(format!("    {part}{comma}"));
        }
        let mut end = String::from(")");
        if let Some(parents) = self.take("inherits") {
            end = match self.object.get("partition_bound") {
                Some(_) => format!("{end} PARTITION OF {parents}"),
                None => format!("{end} INHERITS ({parents})"),
            };
        }
        for (word, property) in [
            ("PARTITION BY", "partitioned_by"),
            ("SERVER", "server"),
            ("TABLESPACE", "tablespace"),
        ] {
            if let Some(value) = self.take(property) {
                end = format!("{end} {word} {value}");
            }
        }
        // What nearly all tables have is not worth a word.
        if let Some(method) = self
            .take("access_method")
            .filter(|method| *method != "heap")
        {
            end = format!("{end} USING {method}");
        }
        if let Some(options) = self.take("options") {
            end = format!("{end} WITH ({options})");
        }
        if let Some(bound) = self.take("partition_bound") {
            end.push(' ');
            end.push_str(bound);
        }
        self.push(format!("{end};"));
        for (property, command) in [
            ("row_level_security", "ENABLE ROW LEVEL SECURITY"),
            ("force_row_level_security", "FORCE ROW LEVEL SECURITY"),
        ] {
            if self.take(property).is_some() {
                self.push(format!("ALTER TABLE {name} {command};"));
            }
        }
        if let Some(identity) = self.take("replica_identity") {
            let identity = identity.to_uppercase();
            self.push(format!("ALTER TABLE {name} REPLICA IDENTITY {identity};"));
        }
    }

    fn column(&mut self) -> String {
        let mut line = quoted(&self.object.identity.name);
        if let Some(kind) = self.take("type") {
            line = format!("{line} {kind}");
        }
        for (word, property) in [("COLLATE", "collation"), ("DEFAULT", "default")] {
            if let Some(value) = self.take(property) {
                line = format!("{line} {word} {value}");
            }
        }
        if let Some(generated) = self.take("generated") {
            let (how, expression) = generated.split_once(' ').unwrap_or(("", generated));
            let how = how.to_uppercase();
            line = format!("{line} GENERATED ALWAYS AS ({expression}) {how}");
        }
        if let Some(identity) = self.take("identity") {
            let identity = identity.to_uppercase();
            line = format!("{line} GENERATED {identity} AS IDENTITY");
            if self.has_usual_sequence() {
                self.told.push("identity_sequence");
            }
        }
        if self.take("not_null").is_some() {
            line.push_str(" NOT NULL");
        }
        // It moves whenever one before it goes.
        self.told.push("position");
        line
    }

    /// Whether an identity column's sequence is as it comes by itself, by its name, too.
    fn has_usual_sequence(&self) -> bool {
        let identity = &self.object.identity;
        let max = match self.object.get("type") {
            Some("smallint") => i64::from(i16::MAX),
            Some("integer") => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let table = identity.parent.as_deref().unwrap_or_default();
        let name = format!("{table}_{}_seq", identity.name);
        let name = qualified(identity.schema.as_deref(), &name);
        let usual = format!("{name} start 1 increment 1 min 1 max {max} cache 1");
        self.object.get("identity_sequence") == Some(&usual)
    }

    fn constraint(&mut self) -> String {
        let definition = self.take("definition").unwrap_or_default();
        self.told.push("of");
        if definition.ends_with(" NOT VALID") {
            self.told.push("validated");
        }
        format!(
            "CONSTRAINT {} {definition}",
            quoted(&self.object.identity.name)
        )
    }

    fn view(&mut self, name: &str) {
        let kind = self.object.identity.kind.word().to_uppercase();
        let options = match self.take("options") {
            Some(options) => format!(" WITH ({options})"),
            None => String::new(),
        };
        self.push(format!("CREATE {kind} {name}{options} AS"));
        let definition = self.take("definition").unwrap_or_default();
        self.push_sql(definition);
    }

    fn policy(&mut self) {
        let Identity {
            schema,
            parent,
            name,
            ..
        } = &self.object.identity;
        let table = qualified(schema.as_deref(), parent.as_deref().unwrap_or_default());
        let mode = match self.take("mode") {
            Some(mode) => format!(" AS {}", mode.to_uppercase()),
            None => String::new(),
        };
        let command = self.take("command").unwrap_or_default().to_uppercase();
        let roles = self.take("roles").unwrap_or_default();
        self.push(format!("CREATE POLICY {} ON {table}{mode}", quoted(name)));
        self.push(format!("    FOR {command} TO {roles}"));
        for (word, property) in [("USING", "using"), ("WITH CHECK", "with_check")] {
            if let Some(expression) = self.take(property) {
                self.push(format!("    {word} ({expression})"));
            }
        }
        if let Some(last) = self.lines.last_mut() {
            last.push(';');
        }
    }

    fn domain(&mut self, name: &str, snapshot: &Snapshot) {
        let mut line = format!(
            "CREATE DOMAIN {name} AS {}",
            self.take("base").unwrap_or_default()
        );
        for (word, property) in [("COLLATE", "collation"), ("DEFAULT", "default")] {
            if let Some(value) = self.take(property) {
                line = format!("{line} {word} {value}");
            }
        }
        if self.take("not_null").is_some() {
            line.push_str(" NOT NULL");
        }
        self.push(line);
        for one in parts(&self.object.identity, snapshot) {
            self.push(format!("    {}", part(one)));
        }
        if let Some(last) = self.lines.last_mut() {
            last.push(';');
        }
    }

    fn sequence(&mut self, name: &str) {
        let mut line = format!("CREATE SEQUENCE {name}");
        for (word, property) in [
            ("AS", "type"),
            ("INCREMENT BY", "increment"),
            ("MINVALUE", "min"),
            ("MAXVALUE", "max"),
            ("START WITH", "start"),
            ("CACHE", "cache"),
            ("OWNED BY", "owned_by"),
        ] {
            if let Some(value) = self.take(property) {
                line = format!("{line} {word} {value}");
            }
        }
        if self.take("cycle").is_some() {
            line.push_str(" CYCLE");
        }
        self.push(format!("{line};"));
    }

    /// Everything that every kind may have, and what is left.
    fn rest(&mut self) {
        let object = self.object;
        let kind = object.identity.kind.in_commands();
        let name = name(&object.identity);
        if let Some(owner) = self.take("owner") {
            self.push(format!("ALTER {kind} {name} OWNER TO {};", quoted(owner)));
        }
        if let Some(acl) = self.take("acl") {
            self.lines.extend(grants(acl, &object.identity, &name));
        }
        if let Some(comment) = self.take("comment") {
            let comment = comment.replace('\'', "''");
            self.push_sql(&format!("COMMENT ON {kind} {name} IS '{comment}'"));
        }
        let told = std::mem::take(&mut self.told);
        for (property, value) in &object.properties {
            if !told.contains(&&**property) {
                let mut lines = value.lines();
                self.push(format!(
                    "-- {property}: {}",
                    lines.next().unwrap_or_default()
                ));
                self.lines
                    .extend(lines.map(|line| format!("--     {line}")));
            }
        }
    }
}

/// A column or constraint as a line of its relation, with what is said of it besides.
fn part(object: &Object) -> String {
    let mut text = Text {
        object,
        told: Vec::new(),
        lines: Vec::new(),
    };
    let mut line = match object.identity.kind {
        Kind::Column => text.column(),
        _ => text.constraint(),
    };
    let more: Vec<String> = object
        .properties
        .iter()
        .filter(|(property, _)| !text.told.contains(&&**property))
        .map(|(property, value)| format!("{property} {}", value.replace('\n', " ")))
        .collect();
    if !more.is_empty() {
        line = format!("{line} /* {} */", more.join("; "));
    }
    line
}

fn qualified(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(name)),
        None => quoted(name),
    }
}

/// The name as a command has it: without the kind.
fn name(identity: &Identity) -> String {
    let shown = identity.to_string();
    let kind = identity.kind.word();
    shown
        .strip_prefix(kind)
        .map_or(shown.clone(), |rest| rest.trim_start().to_owned())
}
