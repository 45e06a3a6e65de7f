//! Snapshots as JSON, one property to a line: what the history keeps, and the files of `evmig snapshot`.
//!
//! ```json
//! {
//!   "schema": "evmig.snapshot/1",
//!   "server_version": "17.2",
//!   "fingerprint": "…",
//!   "objects": [
//!     {
//!       "kind": "view",
//!       "schema": "public",
//!       "name": "open_events",
//!       "properties": {
//!         "definition": [
//!           " SELECT id",
//!           "   FROM events;"
//!         ],
//!         "owner": "app"
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! Without the two lines in the head and without the versions of extensions it is the document that is hashed.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::fingerprint::fingerprint;
use super::model::{Identity, Kind, Object, Snapshot};
use super::recent::{Names, Recent};

/// The format of the documents that this evmig writes.
pub const FORMAT: &str = "evmig.snapshot/1";
/// What every version of the format begins with.
const FORMATS: &str = "evmig.snapshot/";

/// How long a piece of a document is at least, but for the last.
const PIECE: usize = 1 << 16;

/// Returns the document that is hashed, and that the history keeps.
pub fn canonical(snapshot: &Snapshot) -> String {
    let mut document = head();
    objects(&mut document, snapshot, false, |_| ());
    document
}

/// Hands over the same document piece by piece: the whole of it would need memory that hashing does not.
pub(super) fn canonical_in_pieces(snapshot: &Snapshot, mut take: impl FnMut(&str)) {
    let mut piece = head();
    objects(&mut piece, snapshot, false, |piece| {
        if piece.len() >= PIECE {
            take(piece);
            piece.clear();
        }
    });
    take(&piece);
}

/// Returns the text of a snapshot file; `fingerprint` is the snapshot's.
pub fn file(snapshot: &Snapshot, server_version: &str, fingerprint: &str) -> String {
    let mut document = head();
    for (name, value) in [
        ("server_version", server_version),
        ("fingerprint", fingerprint),
    ] {
        document.push_str("  \"");
        document.push_str(name);
        document.push_str("\": ");
        string(&mut document, value);
        document.push_str(",\n");
    }
    objects(&mut document, snapshot, true, |_| ());
    document
}

fn head() -> String {
    format!("{{\n  \"schema\": \"{FORMAT}\",\n")
}

/// Writes all objects; after each one, `written` sees what there is.
fn objects(
    out: &mut String,
    snapshot: &Snapshot,
    with_versions: bool,
    mut written: impl FnMut(&mut String),
) {
    out.push_str("  \"objects\": [");
    for (at, one) in snapshot.objects().iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        object(out, one, with_versions);
        written(out);
    }
    let close = if snapshot.objects().is_empty() {
        "]\n}\n"
    } else {
        "\n  ]\n}\n"
    };
    out.push_str(close);
}

fn object(out: &mut String, object: &Object, with_versions: bool) {
    let Identity {
        kind,
        schema,
        parent,
        name,
    } = &object.identity;
    out.push_str("    {\n");
    let names = [
        ("kind", Some(kind.word())),
        ("schema", schema.as_deref()),
        ("of", parent.as_deref()),
        ("name", Some(name)),
    ];
    for (word, value) in names {
        let Some(value) = value else { continue };
        out.push_str("      \"");
        out.push_str(word);
        out.push_str("\": ");
        string(out, value);
        out.push_str(",\n");
    }
    out.push_str("      \"properties\": {");
    let told = object
        .properties
        .iter()
        .filter(|(name, _)| with_versions || !object.is_version(name));
    let mut is_empty = true;
    for (property, value) in told {
        out.push_str(if is_empty {
            "\n        "
        } else {
            ",\n        "
        });
        is_empty = false;
        string(out, property);
        out.push_str(": ");
        text(out, value);
    }
    out.push_str(if is_empty {
        "}\n    }"
    } else {
        "\n      }\n    }"
    });
}

/// A text of several lines is a list of them.
fn text(out: &mut String, text: &str) {
    if !text.contains('\n') {
        return string(out, text);
    }
    out.push('[');
    for (at, line) in text.split('\n').enumerate() {
        out.push_str(if at == 0 {
            "\n          "
        } else {
            ",\n          "
        });
        string(out, line);
    }
    out.push_str("\n        ]");
}

fn string(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    out.push('"');
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Nearly all are, and to look at every byte is faster than to stop at one.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..b' ' => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Why a document is no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not what a snapshot looks like.
    #[error("{message}")]
    Broken {
        /// What is wrong.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where the line says enough.
        column: usize,
    },
    /// A later evmig has written it.
    #[error("it has the format {found}; this evmig knows {FORMAT}")]
    Newer {
        /// Its format.
        found: String,
    },
    /// The fingerprint in it is another one.
    #[error("its objects are not those that its fingerprint was made of")]
    Altered,
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The objects.
    pub snapshot: Snapshot,
    /// The server's version, in files.
    pub server_version: Option<String>,
}

/// Reads a document.
pub fn read(text: &str) -> Result<Document, DocumentError> {
    let parsed: Parsed = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
    let snapshot = Snapshot::new(parsed.objects);
    if let Some(fingerprint) = &parsed.fingerprint
        && *fingerprint != self::fingerprint(&snapshot)
    {
        return Err(DocumentError::Altered);
    }
    Ok(Document {
        snapshot,
        server_version: parsed.server_version,
    })
}

/// A later format may have anything behind its name.
fn unreadable(text: &str, error: &serde_json::Error) -> DocumentError {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    if let Ok(Head { schema }) = serde_json::from_str(text)
        && schema.starts_with(FORMATS)
        && schema != FORMAT
    {
        return DocumentError::Newer { found: schema };
    }
    let message = error.to_string();
    // The place is told apart.
    let end = message.rfind(" at line ").unwrap_or(message.len());
    DocumentError::Broken {
        message: message[..end].to_owned(),
        line: error.line(),
        column: error.column(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    #[serde(rename = "schema", deserialize_with = "own_format")]
    _schema: (),
    server_version: Option<String>,
    fingerprint: Option<String>,
    #[serde(deserialize_with = "read_objects")]
    objects: Vec<Object>,
}

fn own_format<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    let found = Cow::<str>::deserialize(from)?;
    if found == FORMAT {
        return Ok(());
    }
    Err(D::Error::custom(format_args!(
        "{found:?} is not the format of a snapshot, which is {FORMAT:?}"
    )))
}

fn read_objects<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Object>, D::Error> {
    from.deserialize_seq(ObjectsVisitor)
}

struct ObjectsVisitor;

impl<'de> Visitor<'de> for ObjectsVisitor {
    type Value = Vec<Object>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut objects = Vec::new();
        let mut texts = Texts::default();
        while let Some(written) = from.next_element()? {
            objects.push(texts.object(written));
        }
        Ok(objects)
    }
}

/// The texts that come again and again.
#[derive(Default)]
struct Texts {
    names: Names,
    properties: Vec<Property>,
    /// Which property was the last one.
    last: usize,
}

/// A property's name, and what was said last under it.
struct Property {
    name: Arc<str>,
    values: Recent,
}

impl Texts {
    fn object(&mut self, from: Written<'_>) -> Object {
        let Said(said) = from.properties;
        // Collected, they would keep the memory of what was read, which is far more than they need.
        let mut properties = Vec::with_capacity(said.len());
        properties.extend(said.into_iter().map(|(name, text)| {
            let property = self.property(&name.0);
            (property.name.clone(), property.values.share(&text.0))
        }));
        Object {
            identity: self.names.identity(
                from.kind.0,
                from.schema.as_deref(),
                from.of.as_deref(),
                &from.name,
            ),
            properties,
        }
    }

    /// There are a few dozen of them, and most follow the one that they followed before.
    fn property(&mut self, name: &str) -> &mut Property {
        let known = self.properties.len();
        let mut places = (self.last + 1..known).chain(0..known);
        let found = places.find(|at| *self.properties[*at].name == *name);
        self.last = found.unwrap_or_else(|| {
            self.properties.push(Property {
                name: Arc::from(name),
                values: Recent::default(),
            });
            known
        });
        &mut self.properties[self.last]
    }
}

/// An object as the document has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    kind: KnownKind,
    #[serde(borrow)]
    schema: Option<Cow<'a, str>>,
    #[serde(borrow)]
    of: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    properties: Said<'a>,
}

struct KnownKind(Kind);

impl<'de> Deserialize<'de> for KnownKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Name(word) = Name::deserialize(from)?;
        let kind = Kind::of(&word);
        kind.map(Self)
            .ok_or_else(|| D::Error::custom(format_args!("{word:?} is no kind of object")))
    }
}

/// A text that is not copied where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// What is said of an object.
struct Said<'a>(Vec<(Name<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(SaidVisitor(PhantomData))
    }
}

struct SaidVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for SaidVisitor<'a> {
    type Value = Said<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        // More is said of hardly any.
        let mut said = Vec::with_capacity(8);
        while let Some(one) = from.next_entry()? {
            said.push(one);
        }
        Ok(Said(said))
    }
}

/// A text, or the list of its lines.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of lines")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut lines: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Name(line)) = from.next_element()? {
            lines.push(line);
        }
        Ok(Text(Cow::Owned(lines.join("\n"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, name: &str, properties: &[(&str, &str)]) -> Object {
        let of = |kind| (kind == Kind::Column).then(|| Arc::from("t"));
        Object {
            identity: Identity {
                kind,
                schema: Some("public".into()),
                parent: of(kind),
                name: name.into(),
            },
            properties: properties
                .iter()
                .map(|(name, value)| (Arc::from(*name), Arc::from(*value)))
                .collect(),
        }
    }

    fn snapshot() -> Snapshot {
        Snapshot::new(vec![
            object(
                Kind::View,
                "v\"1",
                &[("definition", " SELECT 1\n\tAS \"a\\b\";\u{1}\n")],
            ),
            object(
                Kind::Column,
                "id",
                &[("type", "bigint"), ("comment", "ä\r")],
            ),
            object(Kind::Extension, "citext", &[("version", "1.6")]),
            object(Kind::Schema, "plain", &[]),
        ])
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let text = file(&snapshot(), "17.2", &fingerprint(&snapshot()));
        let document = read(&text).unwrap();
        assert_eq!(document.snapshot, snapshot());
        assert_eq!(document.server_version.as_deref(), Some("17.2"));
        assert_eq!(
            file(&document.snapshot, "17.2", &fingerprint(&snapshot())),
            text
        );
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(whole["objects"].as_array().map(Vec::len), Some(4));
        assert_eq!(format!("{:#}\n", reordered(&text)), format!("{whole:#}\n"));
    }

    /// What a JSON library makes of it: nothing is said twice or got lost.
    fn reordered(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_hashed_has_no_version_of_an_extension() {
        let text = canonical(&snapshot());
        assert!(!text.contains("1.6"), "{text}");
        assert!(text.contains("\"properties\": {}"), "{text}");
        let read = read(&text).unwrap();
        assert_eq!(canonical(&read.snapshot), text);
        assert_eq!(canonical(&Snapshot::default()).lines().count(), 4);
    }

    #[test]
    fn what_is_broken_is_refused_with_its_place() {
        let text = file(&snapshot(), "17.2", &fingerprint(&snapshot()));
        let broken = |text: &str| match read(text) {
            Err(DocumentError::Broken { message, line, .. }) => (message, line),
            other => panic!("{other:?}"),
        };
        for cut in (0..text.len() - 2).filter(|cut| text.is_char_boundary(*cut)) {
            broken(&text[..cut]);
        }
        let (message, line) = broken(&text.replace("\"kind\": \"view\"", "\"kind\": \"vieh\""));
        assert!(message.contains("\"vieh\" is no kind"), "{message}");
        assert!(line > 5, "{line}");
        let (message, _) = broken(&text.replace("\"of\"", "\"off\""));
        assert!(message.contains("unknown field `off`"), "{message}");
        let (message, line) = broken("{\"schema\": \"evmig.status/1\"}");
        assert!(
            message.contains("not the format of a snapshot"),
            "{message}"
        );
        assert_eq!(line, 1);
        assert_eq!(
            read(&text.replace("bigint", "integer")),
            Err(DocumentError::Altered)
        );
        assert_eq!(
            read("{\"schema\": \"evmig.snapshot/2\", \"things\": 1}"),
            Err(DocumentError::Newer {
                found: "evmig.snapshot/2".to_owned()
            })
        );
    }
}
