//! PostgreSQL's binary `COPY` format: a header, rows of fields with their lengths, a trailer.

use std::fmt::{self, Write as _};

use bytes::{BufMut, Bytes, BytesMut};

/// Begins every stream: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Ends every stream: a row of -1 fields.
const TRAILER: i16 = -1;

/// Collects rows until they are taken.
#[derive(Debug, Default)]
pub(super) struct Rows {
    buffer: BytesMut,
    count: u64,
}

impl Rows {
    /// Writes the stream's beginning.
    pub(super) fn begin(&mut self) {
        self.buffer.put_slice(HEADER);
    }

    /// Writes the stream's end.
    pub(super) fn end(&mut self) {
        self.buffer.put_i16(TRAILER);
    }

    /// Begins a row.
    pub(super) fn row(&mut self, fields: i16) -> &mut Self {
        self.count += 1;
        self.buffer.put_i16(fields);
        self
    }

    /// Writes SQL's null.
    pub(super) fn null(&mut self) -> &mut Self {
        self.buffer.put_i32(-1);
        self
    }

    /// Writes a `uuid`.
    pub(super) fn uuid(&mut self, id: [u8; 16]) -> &mut Self {
        self.buffer.put_i32(16);
        self.buffer.put_slice(&id);
        self
    }

    /// Writes an `integer`.
    pub(super) fn int4(&mut self, value: i32) -> &mut Self {
        self.buffer.put_i32(4);
        self.buffer.put_i32(value);
        self
    }

    /// Writes a `bigint`.
    pub(super) fn int8(&mut self, value: i64) -> &mut Self {
        self.buffer.put_i32(8);
        self.buffer.put_i64(value);
        self
    }

    /// Writes a `timestamptz`, in microseconds since 2000-01-01.
    pub(super) fn time(&mut self, micros: i64) -> &mut Self {
        self.int8(micros)
    }

    /// Writes a `timestamptz` or null.
    pub(super) fn maybe_time(&mut self, micros: Option<i64>) -> &mut Self {
        match micros {
            Some(micros) => self.time(micros),
            None => self.null(),
        }
    }

    /// Writes a `uuid` or null.
    pub(super) fn maybe_uuid(&mut self, id: Option<[u8; 16]>) -> &mut Self {
        match id {
            Some(id) => self.uuid(id),
            None => self.null(),
        }
    }

    /// Writes a `text`, `varchar` or `citext`.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.buffer.put_i32(value.len() as i32);
        self.buffer.put_slice(value.as_bytes());
        self
    }

    /// Writes a `text` that is put together in place.
    pub(super) fn formatted(&mut self, value: fmt::Arguments<'_>) -> &mut Self {
        self.sized(|buffer| {
            // Writing into memory does not fail.
            let _ = buffer.write_fmt(value);
        })
    }

    /// Writes a `jsonb`, of version 1.
    pub(super) fn json(&mut self, value: fmt::Arguments<'_>) -> &mut Self {
        self.sized(|buffer| {
            buffer.put_u8(1);
            let _ = buffer.write_fmt(value);
        })
    }

    fn sized(&mut self, write: impl FnOnce(&mut BytesMut)) -> &mut Self {
        let at = self.buffer.len();
        self.buffer.put_i32(0);
        write(&mut self.buffer);
        let length = (self.buffer.len() - at - 4) as i32;
        if let Some(field) = self.buffer.get_mut(at..at + 4) {
            field.copy_from_slice(&length.to_be_bytes());
        }
        self
    }

    /// Returns how many bytes wait to be taken.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Returns how many rows were written.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Takes what was written so far.
    pub(super) fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_as_the_manual_says() {
        let mut rows = Rows::default();
        rows.begin();
        rows.row(3).int4(7).null().formatted(format_args!("a{}", 1));
        rows.end();
        assert_eq!(
            &rows.take()[..],
            b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\
              \0\x03\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff\0\0\0\x02a1\xff\xff"
        );
        assert_eq!((rows.count(), rows.waiting()), (1, 0));
    }
}
