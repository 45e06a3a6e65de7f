//! Decides one case, in the order in which the server does: the schema, the privilege, the policies, what is below.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::acl::Acl;
use super::cell::{Access, Rows};
use super::facts::{Facts, RelationName, View};
use super::policy::{Policy, roles};
use super::{Command, PUBLIC};
use crate::catalog::model::{Identity, Kind, Object, Snapshot};

/// A database as it is looked at for each case.
pub(super) struct Judge<'s> {
    facts: &'s Facts,
    pub(super) relations: BTreeMap<RelationName, &'s Object>,
    pub(super) routines: Vec<&'s Object>,
    pub(super) defaults: Vec<&'s Object>,
    schemas: HashMap<&'s str, &'s Object>,
    columns: HashMap<RelationName, Vec<&'s Object>>,
    policies: HashMap<RelationName, Vec<&'s Object>>,
}

/// A role with all whose privileges it has.
pub(super) struct Who<'f> {
    pub(super) name: &'f str,
    having: HashSet<String>,
    superuser: bool,
    bypasses: bool,
}

impl Who<'_> {
    fn has_role(&self, role: &str) -> bool {
        self.superuser || self.having.contains(role)
    }
}

impl<'s> Judge<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, facts: &'s Facts) -> Self {
        let mut judge = Self {
            facts,
            relations: BTreeMap::new(),
            routines: Vec::new(),
            defaults: Vec::new(),
            schemas: HashMap::new(),
            columns: HashMap::new(),
            policies: HashMap::new(),
        };
        for object in snapshot.objects() {
            let identity = &object.identity;
            match identity.kind {
                Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => {
                    judge.relations.insert(own_name(identity), object);
                }
                Kind::Function | Kind::Procedure => judge.routines.push(object),
                Kind::DefaultPrivileges => judge.defaults.push(object),
                Kind::Schema => {
                    judge.schemas.insert(&identity.name, object);
                }
                Kind::Column => judge
                    .columns
                    .entry(parent(identity))
                    .or_default()
                    .push(object),
                Kind::Policy => judge
                    .policies
                    .entry(parent(identity))
                    .or_default()
                    .push(object),
                _ => {}
            }
        }
        judge
    }

    /// Looks a role up; `None` where the database has none of that name.
    pub(super) fn who<'f>(&self, name: &'f str) -> Option<Who<'f>> {
        let role = self.facts.roles.get(name);
        if role.is_none() && name != PUBLIC {
            return None;
        }
        Some(Who {
            name,
            having: self.facts.having(name),
            superuser: role.is_some_and(|role| role.superuser),
            bypasses: role.is_some_and(|role| role.bypasses),
        })
    }

    /// What a role may do with a relation.
    pub(super) fn relation(&self, who: &Who<'_>, name: &RelationName, command: Command) -> Access {
        if self.relations.contains_key(name) && !self.enters(who, &name.0) {
            return Access::None(format!("no USAGE on schema {}", name.0));
        }
        self.of(who, who, name, command)
    }

    /// `session` is who asks, `who` as whom it is asked: the same, but below a view. Whoever asks is past the
    /// schema: below a view nothing is looked up by its name any more.
    fn of(
        &self,
        session: &Who<'_>,
        who: &Who<'_>,
        name: &RelationName,
        command: Command,
    ) -> Access {
        let Some(object) = self.relations.get(name) else {
            // What belongs to the system or an extension is not in a snapshot.
            return Access::all(None);
        };
        let Some(columns) = self.granted(who, name, object, command) else {
            return Access::None("no grant".to_owned());
        };
        match object.identity.kind {
            Kind::View => self.below(session, who, (name, object), columns, command),
            Kind::MaterializedView if command != Command::Select => {
                Access::None("a materialized view takes no rows".to_owned())
            }
            _ => Access::Granted {
                columns,
                rows: self.rows(who, name, object, command),
            },
        }
    }

    /// The columns that are granted, the inner `None` for all; the outer one where none are.
    #[expect(clippy::option_option, reason = "all, some and none are three answers")]
    fn granted(
        &self,
        who: &Who<'_>,
        name: &RelationName,
        object: &Object,
        command: Command,
    ) -> Option<Option<BTreeSet<String>>> {
        let is_owner = who.has_role(object.get("owner").unwrap_or_default());
        let may = |object: &Object, by_default: bool| match object.get("acl") {
            Some(acl) => Acl::read(acl).grants(&who.having, command.letter()),
            None => by_default,
        };
        let reads_all = command == Command::Select && who.has_role("pg_read_all_data");
        let writes = matches!(command, Command::Insert | Command::Update | Command::Delete);
        let writes_all = writes && who.has_role("pg_write_all_data");
        if who.superuser || may(object, is_owner) || reads_all || writes_all {
            return Some(None);
        }
        let by_column = matches!(command, Command::Select | Command::Insert | Command::Update);
        let columns = self.columns.get(name).map_or(&[][..], Vec::as_slice);
        let granted: BTreeSet<String> = columns
            .iter()
            .filter(|column| by_column && may(column, false))
            .map(|column| column.identity.name.to_string())
            .collect();
        (!granted.is_empty()).then_some(Some(granted))
    }

    fn enters(&self, who: &Who<'_>, schema: &str) -> bool {
        let Some(object) = self.schemas.get(schema) else {
            // An extension's own schema is not in a snapshot.
            return true;
        };
        let all_data = ["pg_read_all_data", "pg_write_all_data"];
        who.superuser
            || all_data.iter().any(|role| who.has_role(role))
            || match object.get("acl") {
                Some(acl) => Acl::read(acl).grants(&who.having, 'U'),
                None => who.has_role(object.get("owner").unwrap_or_default()),
            }
    }

    /// The rows that row-level security leaves.
    fn rows(&self, who: &Who<'_>, name: &RelationName, object: &Object, command: Command) -> Rows {
        if object.get("row_level_security").is_none() || command == Command::Truncate {
            return Rows::All(None);
        }
        if who.superuser {
            return Rows::All(Some("a superuser".to_owned()));
        }
        if who.bypasses {
            return Rows::All(Some("BYPASSRLS".to_owned()));
        }
        let is_owner = who.has_role(object.get("owner").unwrap_or_default());
        if is_owner && object.get("force_row_level_security").is_none() {
            return Rows::All(Some(
                "as the owner, row-level security is not forced".to_owned(),
            ));
        }
        let policies = self.policies.get(name).map_or(&[][..], Vec::as_slice);
        let own = policies.iter().filter(|object| {
            roles(object).is_none_or(|roles| roles.iter().any(|role| who.has_role(role)))
        });
        sifted(
            own.filter_map(|object| Policy::of(object, command))
                .collect(),
        )
    }

    /// What a view shows of the relations below it, or takes for them.
    fn below(
        &self,
        session: &Who<'_>,
        who: &Who<'_>,
        (name, object): (&RelationName, &Object),
        columns: Option<BTreeSet<String>>,
        command: Command,
    ) -> Access {
        let nothing = View::default();
        let view = self.facts.views.get(name).unwrap_or(&nothing);
        if command == Command::Truncate {
            return Access::None("a view cannot be truncated".to_owned());
        }
        if command != Command::Select && !view.takes.contains(&command) {
            return Access::None("the view takes no rows".to_owned());
        }
        let asks_below = command == Command::Select || view.passes_on.contains(&command);
        let owner = object.get("owner").unwrap_or_default();
        let as_owner = self.who(owner);
        // A view of the session's own is a view of somebody else's below another one.
        let whom = match (is_invoker(object), &as_owner) {
            (true, _) => session,
            (false, Some(owner)) => owner,
            (false, None) => who,
        };
        let mut left = Vec::new();
        for (below, used) in view.reads.iter().filter(|_| asks_below) {
            let label = format!("{}.{}", below.0, below.1);
            match self.of(session, whom, below, command) {
                Access::None(why) => return Access::None(format!("{why} on {label} below it")),
                Access::Granted {
                    columns: Some(granted),
                    ..
                } if command == Command::Select && !used.is_subset(&granted) => {
                    return Access::None(format!("not all columns of {label} below it"));
                }
                // Which of its columns a write needs depends on what is written.
                Access::Granted {
                    columns,
                    rows: Rows::All(_),
                } if columns.is_none() || command == Command::Select => {}
                access @ Access::Granted { .. } => {
                    left.push(format!("{label}: {} as {}", access.words(), whom.name));
                }
                Access::Call(_) => {}
            }
        }
        let why = (!is_invoker(object)).then(|| format!("as its owner {owner}"));
        Access::Granted {
            columns,
            rows: if left.is_empty() {
                Rows::All(why)
            } else {
                Rows::Through(left)
            },
        }
    }

    /// Whether a role may call a function, and as whom it runs.
    pub(super) fn routine(&self, who: &Who<'_>, object: &Object) -> Access {
        let schema = object.identity.schema.as_deref().unwrap_or_default();
        if !self.enters(who, schema) {
            return Access::None(format!("no USAGE on schema {schema}"));
        }
        let may = who.superuser
            || match object.get("acl") {
                Some(acl) => Acl::read(acl).grants(&who.having, 'X'),
                // Everybody may call what nobody has said anything about.
                None => true,
            };
        if !may {
            return Access::None("no grant".to_owned());
        }
        let definer = is_definer(object.get("definition").unwrap_or_default());
        Access::Call(definer.then(|| object.get("owner").unwrap_or_default().to_owned()))
    }
}

/// Sorts out the policies that decide by themselves.
fn sifted(policies: Vec<Policy>) -> Rows {
    let shut = policies.iter().any(|one| one.restrictive && one.is_shut());
    let (limits, allows): (Vec<Policy>, Vec<Policy>) =
        policies.into_iter().partition(|one| one.restrictive);
    let allows: Vec<Policy> = allows.into_iter().filter(|one| !one.is_shut()).collect();
    let limits: Vec<Policy> = limits.into_iter().filter(|one| !one.is_open()).collect();
    if shut || allows.is_empty() {
        return Rows::Nothing;
    }
    if let (Some(open), true) = (allows.iter().find(|one| one.is_open()), limits.is_empty()) {
        return Rows::All(Some(format!("policy {} allows all", open.name)));
    }
    Rows::Policies(allows.into_iter().chain(limits).collect())
}

fn own_name(identity: &Identity) -> RelationName {
    let schema = identity.schema.as_deref().unwrap_or_default();
    (schema.to_owned(), identity.name.to_string())
}

fn parent(identity: &Identity) -> RelationName {
    let schema = identity.schema.as_deref().unwrap_or_default();
    let parent = identity.parent.as_deref().unwrap_or_default();
    (schema.to_owned(), parent.to_owned())
}

/// Whether a view reads as whoever asks.
fn is_invoker(view: &Object) -> bool {
    let options = view.get("options").unwrap_or_default().split(", ");
    let value = options
        .filter_map(|option| option.split_once('='))
        .find(|(name, _)| *name == "security_invoker");
    value.is_some_and(|(_, value)| {
        let value = value.to_ascii_lowercase();
        // As the server reads a boolean: any beginning of a word that is no beginning of another.
        matches!(
            value.as_str(),
            "1" | "on" | "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes"
        )
    })
}

/// Whether a function runs as its owner: said between its head and its body.
fn is_definer(definition: &str) -> bool {
    definition
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with("AS ") && !line.starts_with("BEGIN ATOMIC"))
        .any(|line| {
            line.split_whitespace()
                .collect::<Vec<_>>()
                .windows(2)
                .any(|two| two == ["SECURITY", "DEFINER"])
        })
}
