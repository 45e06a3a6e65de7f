//! Makes SQL that the parser mostly accepts and that splitters mostly get wrong, and mutates SQL by the token.

use arbitrary::{Result, Unstructured};

/// Pieces that are inserted as they stand, wherever; many end something or begin what never ends.
pub const PIECES: &[&str] = &[
    ";",
    ";;",
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "\\'",
    "E'",
    "e'\\'",
    "U&'",
    "U&\"",
    "N'",
    "B'",
    "X'",
    "$$",
    "$a$",
    "$é$",
    "$1",
    "$",
    "$1a$",
    "a$b$",
    "--",
    "-- ;\n",
    "--\r",
    "/*",
    "*/",
    "/*;*/",
    "/* /* */ ; */",
    "+--;\n",
    "@/*;*/",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "..",
    "::",
    ":=",
    "=>",
    "begin",
    "begin atomic",
    "BEGIN ATOMIC",
    "end",
    "; end",
    "case",
    "case when true then 1 end",
    "atomic",
    "create",
    "create or replace",
    "function",
    "procedure",
    "create function f() returns int ",
    "create rule r as on insert to t do also (",
    "create schema s ",
    "copy t from stdin;\n",
    "\n\\.\n",
    "\\.",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{b}",
    "\u{c}",
    "\u{feff}",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "é",
    "٣",
    "1e",
    "1e+",
    "0x",
    "1_",
    "1..2",
    "1.e5",
    ".5",
    " uescape '!'",
    "return",
    "language sql",
    "do",
    "select 1",
    "set standard_conforming_strings = off;",
    "\\restrict x\n",
    "\\i a.sql\n",
    "-- evmig: no-transaction\n",
    "\0",
];

const GAPS: &[&str] = &[
    " ",
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\t",
    "\r\n",
    "\r",
    "\u{c}",
    "/* ; */",
    " /* /* ' ; */ \" */ ",
    " -- it's ;\n",
    " --\r",
    "\n\n",
    " --$$\n",
    "/**/",
    "/*/**/*/",
];

const NAMES: &[&str] = &[
    "a",
    "t",
    "\"a;b\"",
    "\"x\"\"y;\"",
    "é",
    "a$b$c",
    "U&\"d\\0061;t\"",
    "U&\"d!0061;\" uescape '!'",
    "begin",
    "atomic",
    "stdin",
    "copy",
    "\"end\"",
    "_1",
    "public.t",
    "x.\"--\"",
    "\"/*\"",
    "\"$$\"",
    "\"'\"",
];

const CONSTANTS: &[&str] = &[
    "1",
    "1.5",
    ".5",
    "1.",
    "1e5",
    "1e-5",
    "0x1F",
    "0b1",
    "0o7",
    "1_000",
    "$1",
    "$23",
    "null",
    "true",
    "''",
    "'a;b'",
    "'it''s;'",
    "'\\'",
    "E'a\\';b'",
    "e'\\\\'",
    "E'\\'''",
    "U&'\\0441;'",
    "U&'d!0061;t' uescape '!'",
    "N'x;'",
    "B'1'",
    "X'F'",
    "$$;$$",
    "$t$;$t$",
    "$é$ ; $é$",
    "$a$ $b$ ; $b$ $ $$ $a$",
    "$_$'\"--/*$_$",
    "'a'\n'b;c'",
    "E'a'\n'b\\';c'",
    "E'a' -- it's\n 'b\\';c'",
    "'a' --;\n  'b'",
    "date '2020-01-01'",
    "interval '1' day",
    "'--;'",
    "'/*;'",
    "'$$;'",
    "array[1, 2]",
    "'{}'::int[]",
    "current_date",
];

const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    ">=",
    "<>",
    "!=",
    "||",
    "@",
    "<->",
    "~~*",
    "#>>",
    "?|",
    "-|-",
    "operator(pg_catalog.+)",
    "and",
    "or",
    "is distinct from",
    "=",
    "^",
    "|/",
    "&&",
    "*<>",
];

/// The tokens of a script, each with the gap behind it.
struct Writer<'u, 'a> {
    source: &'u mut Unstructured<'a>,
    text: String,
}

/// Makes a script of up to seven statements.
pub fn script(source: &mut Unstructured<'_>) -> Result<String> {
    let mut writer = Writer {
        source,
        text: String::new(),
    };
    for _ in 0..writer.source.int_in_range(1..=7)? {
        writer.statement(3)?;
        writer.text.push(';');
        writer.gap()?;
    }
    if writer.source.ratio(1, 4)? {
        writer
            .text
            .truncate(writer.text.trim_end().trim_end_matches(';').len());
    }
    Ok(writer.text)
}

/// Makes one statement without its semicolon.
pub fn statement(source: &mut Unstructured<'_>) -> Result<String> {
    let mut writer = Writer {
        source,
        text: String::new(),
    };
    writer.statement(3)?;
    Ok(writer.text)
}

impl Writer<'_, '_> {
    fn gap(&mut self) -> Result<()> {
        let gap = self.source.choose(GAPS)?;
        self.text.push_str(gap);
        Ok(())
    }

    /// Writes the words of `text` with gaps of all kinds between them.
    fn put(&mut self, text: &str) -> Result<()> {
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if self.source.ratio(1, 6)? {
                self.text.push_str(&word.to_ascii_uppercase());
            } else {
                self.text.push_str(word);
            }
            self.gap()?;
        }
        Ok(())
    }

    /// Writes a piece as it is.
    fn raw(&mut self, choices: &[&str]) -> Result<()> {
        let piece = self.source.choose(choices)?;
        self.text.push_str(piece);
        self.gap()
    }

    fn name(&mut self) -> Result<()> {
        self.raw(NAMES)
    }

    fn expression(&mut self, depth: u32) -> Result<()> {
        let kinds = if depth == 0 { 2 } else { 10 };
        match self.source.int_in_range(0..=kinds)? {
            0 | 1 => self.raw(CONSTANTS),
            2 => self.name(),
            3 => {
                self.expression(depth - 1)?;
                self.raw(OPERATORS)?;
                self.expression(depth - 1)
            }
            4 => {
                self.put("case when")?;
                self.expression(depth - 1)?;
                self.put("then")?;
                self.expression(depth - 1)?;
                self.put("else")?;
                self.expression(depth - 1)?;
                self.put("end")
            }
            5 => {
                self.put("( select")?;
                self.expression(depth - 1)?;
                self.put(")")
            }
            6 => {
                self.put("f (")?;
                self.expression(depth - 1)?;
                self.put(",")?;
                self.expression(depth - 1)?;
                self.put(")")
            }
            7 => self.put("x.end"),
            8 => self.put("x.case"),
            9 => self.put("a [ 1 : 2 ]"),
            _ => {
                self.put("cast (")?;
                self.expression(depth - 1)?;
                self.put("as text )")
            }
        }
    }

    /// A statement that may also stand inside a rule or a body.
    fn simple(&mut self, depth: u32) -> Result<()> {
        match self.source.int_in_range(0..=6)? {
            0 => {
                self.put("insert into t values (")?;
                self.expression(depth)?;
                self.put(")")
            }
            1 => {
                self.put("update t set a =")?;
                self.expression(depth)
            }
            2 => {
                self.put("delete from t where")?;
                self.expression(depth)
            }
            3 => self.put("notify begin"),
            _ => {
                self.put("select")?;
                self.expression(depth)?;
                self.put("as")?;
                self.raw(&[
                    "end",
                    "begin",
                    "atomic",
                    "case",
                    "\"end\"",
                    "x",
                    "\"; end\"",
                ])?;
                if self.source.ratio(1, 3)? {
                    self.put(",")?;
                    self.expression(depth)?;
                    self.put("end")?;
                }
                Ok(())
            }
        }
    }

    fn routine(&mut self, depth: u32) -> Result<()> {
        let words = *self.source.choose(&["create", "create or replace"])?;
        self.put(words)?;
        let words = *self.source.choose(&["function", "procedure"])?;
        self.put(words)?;
        self.name()?;
        let words = *self.source.choose(&[
            "( )",
            "( begin int , atomic text default ';' )",
            "( a begin , b int = 1 )",
        ])?;
        self.put(words)?;
        let words = *self.source.choose(&[
            "",
            "returns int",
            "returns begin",
            "returns table ( a int )",
            "language sql",
            "set x to begin",
        ])?;
        self.put(words)?;
        match self.source.int_in_range(0..=4)? {
            0 => self.raw(&[
                "as $$ begin; end $$",
                "as $f$ ; $f$ language sql",
                "as 'a;b' , 'c;'",
                "as E'\\';'",
            ]),
            1 => {
                self.put("return")?;
                self.expression(depth)
            }
            _ => {
                self.put("begin atomic")?;
                for _ in 0..self.source.int_in_range(0..=3)? {
                    if self.source.ratio(1, 5)? {
                        self.put("return")?;
                        self.expression(depth)?;
                    } else if self.source.ratio(5, 6)? {
                        self.simple(depth)?;
                    }
                    self.put(";")?;
                }
                self.put("end")
            }
        }
    }

    fn rule(&mut self, depth: u32) -> Result<()> {
        self.put("create rule r as on insert to t do also (")?;
        for _ in 0..self.source.int_in_range(1..=3)? {
            self.simple(depth)?;
            self.put(";")?;
        }
        self.put(")")
    }

    fn statement(&mut self, depth: u32) -> Result<()> {
        match self.source.int_in_range(0..=15)? {
            0..=3 => self.simple(depth),
            4..=6 => self.routine(depth),
            7 => self.rule(depth),
            8 => self.put("create schema s create table a ( b int ) create view v as select 1 grant select on a to x"),
            9 => self.raw(&["do $do$ begin null; end $do$", "do language plpgsql $$;$$", "do 'begin null; end'"]),
            10 => self.raw(&[
                "copy t from stdin;\n1\t';$$\n\\.\n",
                "copy t (a) from stdin with (format csv); -- go\n\"x;\ny\"\n\\.\n",
                "copy t from stdin;\r\n\\.\r\n",
                "COPY t FROM STDIN /* ; */ ; /* x */\n/*\n\\.",
            ]),
            11 => self.raw(&["begin", "end", "commit", "begin isolation level serializable", "rollback", "savepoint begin"]),
            12 => self.raw(&[
                "create operator @-+ (leftarg = int, procedure = f)",
                "select 1+--;\n2",
                "select 1*/*;*/2",
                "select @-1",
                "comment on function f(int) is ';'",
                "create table t (a int generated always as identity, b text default ';' check (b <> ';'))",
                "create trigger x before insert on t for each row execute function f(';')",
                "prepare p as select $1",
                "explain (analyze, format json) select ';'",
                "alter function f() set search_path to begin, \"atomic\"",
                "create function begin() returns atomic return 1",
                "create aggregate begin (int) (sfunc = f, stype = int)",
                "set x = ';'",
                "create policy p on t using (a = ';')",
            ]),
            13 => Ok(()),
            14 => {
                for _ in 0..self.source.int_in_range(1..=8)? {
                    self.raw(PIECES)?;
                }
                Ok(())
            }
            _ => {
                self.put("create view v as select")?;
                self.expression(depth)
            }
        }
    }
}

/// Changes `text` in one place, by the token rather than by the byte.
pub fn mutate(text: &str, source: &mut Unstructured<'_>) -> Result<String> {
    let at = boundary(text, source)?;
    let (before, after) = text.split_at(at);
    Ok(match source.int_in_range(0..=6)? {
        0 => script(source)?,
        1 => format!("{before};{};{after}", statement(source)?),
        2 => format!("{before} {} {after}", statement(source)?),
        3 => {
            let length = source.int_in_range(1..=12)?;
            before.chars().chain(after.chars().skip(length)).collect()
        }
        4 => {
            let other = boundary(text, source)?;
            let copy = &text[at.min(other)..at.max(other)];
            let target = boundary(text, source)?;
            format!("{}{copy}{}", &text[..target], &text[target..])
        }
        _ => format!("{before}{}{after}", source.choose(PIECES)?),
    })
}

fn boundary(text: &str, source: &mut Unstructured<'_>) -> Result<usize> {
    let mut at = source.int_in_range(0..=text.len())?;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    Ok(at)
}
