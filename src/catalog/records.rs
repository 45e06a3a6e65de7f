//! Rows as one text, a line each: how the server writes a record (PostgreSQL manual, 8.16.6).

use std::borrow::Cow;

/// The fields of one row; a null and an empty field are both empty.
pub(super) type Fields<'a> = Vec<Cow<'a, str>>;

/// Reads the rows of such a text, one after the other.
pub(super) struct Records<'a> {
    rest: &'a str,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Reads the next row into `fields`; `None` at the end, or where the text is something else.
    pub(super) fn next_into(&mut self, fields: &mut Fields<'a>) -> Option<()> {
        fields.clear();
        self.rest = self.rest.strip_prefix('\n').unwrap_or(self.rest);
        self.rest = self.rest.strip_prefix('(')?;
        loop {
            fields.push(self.field()?);
            let (separator, rest) = (self.rest.as_bytes().first()?, &self.rest[1..]);
            self.rest = rest;
            match separator {
                b',' => {}
                b')' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Returns whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn field(&mut self) -> Option<Cow<'a, str>> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', ')'])?;
            let (field, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(Cow::Borrowed(field));
        };
        self.quoted(quoted)
    }

    /// Inside quotes, a quote and a backslash are each written twice.
    fn quoted(&mut self, mut text: &'a str) -> Option<Cow<'a, str>> {
        let mut field = Cow::Borrowed("");
        loop {
            let at = text.find(['"', '\\'])?;
            let (before, special) = text.split_at(at);
            let is_twice = special.as_bytes().get(1) == special.as_bytes().first();
            let taken = if is_twice { &text[..=at] } else { before };
            match &mut field {
                Cow::Borrowed("") => field = Cow::Borrowed(taken),
                field => field.to_mut().push_str(taken),
            }
            if !is_twice {
                self.rest = special.strip_prefix('"')?;
                return Some(field);
            }
            text = &special[2..];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<Vec<String>>> {
        let mut records = Records::new(text);
        let (mut fields, mut rows) = (Fields::new(), Vec::new());
        while !records.is_done() {
            records.next_into(&mut fields)?;
            rows.push(fields.iter().map(ToString::to_string).collect());
        }
        Some(rows)
    }

    /// As `record_out` does (rowtypes.c).
    fn written(fields: &[String]) -> String {
        let field = |field: &String| {
            let special = |c: char| "\"\\(),".contains(c) || c.is_ascii_whitespace();
            if field.contains(special) {
                format!("\"{}\"", field.replace('\\', "\\\\").replace('"', "\"\""))
            } else {
                field.clone()
            }
        };
        let fields: Vec<String> = fields.iter().map(field).collect();
        format!("({})", fields.join(","))
    }

    #[test]
    fn rows_are_read_as_the_server_writes_them() {
        let rows = read("(a,,\"x \"\"y\"\" \\\\\n)\",\"\")\n(b,1,ä,c)").unwrap();
        assert_eq!(rows[0], ["a", "", "x \"y\" \\\n)", ""]);
        assert_eq!(rows[1], ["b", "1", "ä", "c"]);
        assert_eq!(read(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_cut_off_is_no_row() {
        let text = "(a,\"b\"\"c\",d)";
        for cut in 1..text.len() {
            assert_eq!(read(&text[..cut]), None, "{cut}");
        }
        assert_eq!(read("a"), None);
        assert_eq!(read("(\"a\"b)"), None);
    }

    proptest! {
        #[test]
        fn every_row_comes_back(rows in prop::collection::vec(prop::collection::vec("[a-c\"\\\\\n\r\t (),ä]{0,6}", 1..4), 1..4)) {
            let text: Vec<String> = rows.iter().map(|row| written(row)).collect();
            prop_assert_eq!(read(&text.join("\n")), Some(rows));
        }
    }
}
