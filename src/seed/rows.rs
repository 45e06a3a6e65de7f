//! The rows of each table, a cell at a time, as the chunks of one `COPY`.

use bytes::Bytes;

use super::encode::Rows;
use super::tables::Table;
use super::values::{Kind, SECOND, day, id, name};
use super::world::{
    CAPACITY, CATEGORIES, EVENTS, EVENTS_ON_SALE, MEMBERS, ORDERS, ORGANIZATIONS, Order, Status,
    USERS, price, sales_start, sold, start,
};

/// A chunk is sent once it has this many bytes.
const CHUNK: usize = 128 << 10;

/// The currencies and time zones of a cell's three organizations.
const CURRENCIES: [&str; 3] = ["USD", "GBP", "EUR"];
const ZONES: [&str; 3] = ["America/New_York", "Europe/London", "Europe/Vienna"];
const CATEGORY_NAMES: [&str; 3] = ["Early bird", "Standard", "VIP"];
/// What members do, by their rank.
const ROLES: [&str; 10] = [
    "owner", "admin", "manager", "manager", "finance", "staff", "staff", "staff", "member",
    "member",
];

/// Somebody wants the load to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

/// The stream of one table and one cell.
pub(super) struct Stream<'a> {
    table: Table,
    cell: u16,
    /// Accounts have the columns of Supabase's auth server, this many.
    tokens: usize,
    next: u32,
    sold: Vec<u32>,
    rows: &'a mut Rows,
    stop: &'a dyn Fn() -> bool,
    ended: bool,
}

impl<'a> Stream<'a> {
    /// Begins the stream.
    pub(super) fn new(
        table: Table,
        cell: u16,
        tokens: usize,
        rows: &'a mut Rows,
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        rows.begin();
        Self {
            table,
            cell,
            tokens,
            next: 0,
            sold: if table == Table::Categories {
                sold(cell)
            } else {
                Vec::new()
            },
            rows,
            stop,
            ended: false,
        }
    }

    /// What the rows are made from: accounts, orders, …
    fn units(&self) -> u32 {
        match self.table {
            Table::Organizations => ORGANIZATIONS,
            Table::Users | Table::Profiles => USERS,
            Table::Members => MEMBERS,
            Table::Events => EVENTS,
            Table::Categories => EVENTS * CATEGORIES,
            _ => ORDERS,
        }
    }

    fn write(&mut self, unit: u32) {
        match self.table {
            Table::Organizations => self.organization(unit),
            Table::Users => self.user(unit),
            Table::Profiles => self.profile(unit),
            Table::Members => self.member(unit),
            Table::Events => self.event(unit),
            Table::Categories => self.category(unit),
            Table::Orders => self.order(&Order::new(self.cell, unit)),
            Table::Payments => self.payment(&Order::new(self.cell, unit)),
            Table::Refunds => self.refund(&Order::new(self.cell, unit)),
            Table::Items => self.items(&Order::new(self.cell, unit)),
            Table::Attendees => self.attendees(&Order::new(self.cell, unit)),
            Table::Tickets => self.tickets(&Order::new(self.cell, unit)),
        }
    }

    fn id(&self, kind: Kind, row: u32) -> [u8; 16] {
        id(kind, self.cell, u64::from(row))
    }

    fn tenant(&self, event: u32) -> [u8; 16] {
        self.id(Kind::Organization, event % ORGANIZATIONS)
    }

    fn organization(&mut self, n: u32) {
        let (cell, own) = (self.cell, self.id(Kind::Organization, n));
        self.rows
            .row(7)
            .uuid(own)
            .formatted(format_args!("Organization {cell}.{n}"))
            .formatted(format_args!("seed-{cell}-{n}"))
            .text("team")
            .text(CURRENCIES[n as usize % 3])
            .text(ZONES[n as usize % 3])
            .time(day(-120));
    }

    fn user(&mut self, n: u32) {
        let (cell, own) = (self.cell, self.id(Kind::User, n));
        let (first, last) = name(cell, n);
        let created = day(-110) + i64::from(n) * 3_600 * SECOND;
        self.rows
            .row(8 + self.tokens as i16)
            .uuid(own)
            .text("authenticated")
            .text("authenticated")
            .formatted(format_args!("u{cell}-{n}@seed.example"))
            .json(format_args!(
                r#"{{"provider": "email", "providers": ["email"]}}"#
            ))
            .json(format_args!(r#"{{"full_name": "{first} {last}"}}"#))
            .time(created)
            .time(created);
        for _ in 0..self.tokens {
            self.rows.text("");
        }
    }

    fn profile(&mut self, n: u32) {
        let own = self.id(Kind::User, n);
        let (first, last) = name(self.cell, n);
        self.rows
            .row(5)
            .uuid(own)
            .formatted(format_args!("{first} {last}"))
            .text("en")
            .text(ZONES[n as usize % 3])
            .time(day(-110) + i64::from(n) * 3_600 * SECOND);
    }

    fn member(&mut self, n: u32) {
        let (tenant, user) = (self.tenant(n), self.id(Kind::User, n));
        self.rows
            .row(4)
            .uuid(tenant)
            .uuid(user)
            .text(ROLES[(n / ORGANIZATIONS) as usize % ROLES.len()])
            .time(day(-60));
    }

    fn event(&mut self, n: u32) {
        let cell = self.cell;
        let (own, tenant) = (self.id(Kind::Event, n), self.tenant(n));
        let manager = self.id(Kind::User, 2 * ORGANIZATIONS + n % ORGANIZATIONS);
        let status = match n {
            0..=10 => "completed",
            11..EVENTS_ON_SALE => "confirmed",
            _ => "planning",
        };
        self.rows
            .row(13)
            .uuid(own)
            .uuid(tenant)
            .formatted(format_args!("Event {cell}.{n}"))
            .formatted(format_args!("event-{cell}-{n}"))
            .time(start(n))
            .time(start(n) + 9 * 3_600 * SECOND)
            .text(ZONES[n as usize % 3])
            .text(status)
            .text("public")
            .int4(CAPACITY * CATEGORIES as i32)
            .text(CURRENCIES[n as usize % 3])
            .uuid(manager)
            .time(day(-50));
    }

    fn category(&mut self, n: u32) {
        let (event, kind) = (n / CATEGORIES, n % CATEGORIES);
        let (own, tenant) = (self.id(Kind::Category, n), self.tenant(event));
        let parent = self.id(Kind::Event, event);
        let count = self.sold.get(n as usize).copied().unwrap_or_default();
        self.rows
            .row(13)
            .uuid(own)
            .uuid(tenant)
            .uuid(parent)
            .text(CATEGORY_NAMES[kind as usize % 3])
            .int8(price(event, kind))
            .text(CURRENCIES[event as usize % 3])
            .int4(CAPACITY)
            .int4(count as i32)
            .time(sales_start(event))
            .time(start(event))
            .text(if event < EVENTS_ON_SALE {
                "on_sale"
            } else {
                "draft"
            })
            .int4(kind as i32)
            .time(day(-50));
    }

    fn order(&mut self, order: &Order) {
        let (cell, n) = (self.cell, order.number);
        let (own, tenant) = (self.id(Kind::Order, n), self.tenant(order.event));
        let (event, user) = (
            self.id(Kind::Event, order.event),
            self.id(Kind::User, order.user),
        );
        let payment = order.status.was_paid().then(|| self.id(Kind::Payment, n));
        let (first, last) = name(cell, order.user);
        let total = order.total();
        self.rows
            .row(16)
            .uuid(own)
            .uuid(tenant)
            .uuid(event)
            .uuid(user)
            .formatted(format_args!("u{cell}-{}@seed.example", order.user))
            .formatted(format_args!("{first} {last}"))
            .text(order.status.word())
            .int4(order.quantity() as i32)
            .int8(total)
            .int8(total)
            .text(CURRENCIES[order.event as usize % 3])
            .maybe_uuid(payment)
            .formatted(format_args!("seed-{cell}-{n}"))
            .maybe_time(order.paid())
            .maybe_time(order.given_up())
            .time(order.created);
    }

    fn payment(&mut self, order: &Order) {
        let Some(paid) = order.paid() else { return };
        let (cell, n) = (self.cell, order.number);
        let (own, tenant) = (self.id(Kind::Payment, n), self.tenant(order.event));
        let parent = self.id(Kind::Order, n);
        let status = match order.status {
            Status::Confirmed => "succeeded",
            other => other.word(),
        };
        self.rows
            .row(10)
            .uuid(own)
            .uuid(tenant)
            .uuid(parent)
            .text("stripe")
            .formatted(format_args!("pi_seed_{cell}_{n}"))
            .int8(order.total())
            .text(CURRENCIES[order.event as usize % 3])
            .text(status)
            .time(paid)
            .time(order.created);
    }

    fn refund(&mut self, order: &Order) {
        let (amount, reason) = match order.status {
            Status::Refunded => (order.total(), "Requested by the buyer"),
            Status::PartiallyRefunded => (500, "Late start"),
            _ => return,
        };
        let (cell, n) = (self.cell, order.number);
        let (own, tenant) = (self.id(Kind::Refund, n), self.tenant(order.event));
        let payment = self.id(Kind::Payment, n);
        self.rows
            .row(9)
            .uuid(own)
            .uuid(tenant)
            .uuid(payment)
            .formatted(format_args!("re_seed_{cell}_{n}"))
            .int8(amount)
            .text(CURRENCIES[order.event as usize % 3])
            .text(reason)
            .text("succeeded")
            .time(order.created + 2 * (day(1) - day(0)));
    }

    fn items(&mut self, order: &Order) {
        let (cell, tenant) = (self.cell, self.tenant(order.event));
        let parent = self.id(Kind::Order, order.number);
        for (number, item) in order.items() {
            let category = self.id(Kind::Category, order.event * CATEGORIES + item.category);
            self.rows
                .row(7)
                .uuid(id(Kind::Item, cell, number))
                .uuid(tenant)
                .uuid(parent)
                .uuid(category)
                .int4(item.quantity as i32)
                .int8(price(order.event, item.category))
                .time(order.created);
        }
    }

    fn attendees(&mut self, order: &Order) {
        let Some(paid) = order.paid() else { return };
        let (cell, tenant) = (self.cell, self.tenant(order.event));
        let (event, user) = (
            self.id(Kind::Event, order.event),
            self.id(Kind::User, order.user),
        );
        let (first, last) = name(cell, order.user);
        for (number, item) in order.items() {
            for unit in 1..=item.quantity {
                let is_buyer = unit == 1 && number.is_multiple_of(2);
                self.rows
                    .row(7)
                    .uuid(id(Kind::Attendee, cell, number * 4 + u64::from(unit)))
                    .uuid(tenant)
                    .uuid(event)
                    .maybe_uuid(is_buyer.then_some(user));
                if is_buyer {
                    self.rows
                        .formatted(format_args!("{first} {last}"))
                        .formatted(format_args!("u{cell}-{}@seed.example", order.user));
                } else {
                    self.rows
                        .formatted(format_args!("Guest of {first} {last}"))
                        .null();
                }
                self.rows.time(paid);
            }
        }
    }

    fn tickets(&mut self, order: &Order) {
        let Some(paid) = order.paid() else { return };
        let (cell, tenant) = (self.cell, self.tenant(order.event));
        let event = self.id(Kind::Event, order.event);
        let parent = self.id(Kind::Order, order.number);
        let is_void = order.status == Status::Refunded;
        for (number, item) in order.items() {
            let category = self.id(Kind::Category, order.event * CATEGORIES + item.category);
            for unit in 1..=item.quantity {
                let row = number * 4 + u64::from(unit);
                self.rows
                    .row(12)
                    .uuid(id(Kind::Ticket, cell, row))
                    .uuid(tenant)
                    .uuid(event)
                    .uuid(parent)
                    .uuid(id(Kind::Item, cell, number))
                    .uuid(category)
                    .uuid(id(Kind::Attendee, cell, row))
                    .int4(unit as i32)
                    .formatted(format_args!("SEED-{cell}-{row}"))
                    .text(if is_void { "void" } else { "valid" })
                    .maybe_time(is_void.then(|| paid + 2 * (day(1) - day(0))))
                    .time(paid);
            }
        }
    }
}

impl Iterator for Stream<'_> {
    type Item = Result<Bytes, Stopped>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if (self.stop)() {
            self.ended = true;
            return Some(Err(Stopped));
        }
        while self.next < self.units() && self.rows.waiting() < CHUNK {
            self.write(self.next);
            self.next += 1;
        }
        if self.next == self.units() {
            self.rows.end();
            self.ended = true;
        }
        Some(Ok(self.rows.take()))
    }
}

/// Returns how many rows a cell has in a table.
pub(super) fn count(table: Table, cell: u16) -> u64 {
    let orders = || (0..ORDERS).map(|number| Order::new(cell, number));
    let sum = |of: fn(&Order) -> u64| orders().map(|order| of(&order)).sum();
    let paid = |order: &Order| order.status.was_paid();
    match table {
        Table::Organizations => u64::from(ORGANIZATIONS),
        Table::Users | Table::Profiles => u64::from(USERS),
        Table::Members => u64::from(MEMBERS),
        Table::Events => u64::from(EVENTS),
        Table::Categories => u64::from(EVENTS * CATEGORIES),
        Table::Orders => u64::from(ORDERS),
        Table::Payments => orders().filter(paid).count() as u64,
        Table::Refunds => sum(|order| {
            u64::from(matches!(
                order.status,
                Status::Refunded | Status::PartiallyRefunded
            ))
        }),
        Table::Items => sum(|order| order.items().count() as u64),
        Table::Attendees | Table::Tickets => sum(|order| {
            if order.status.was_paid() {
                u64::from(order.quantity())
            } else {
                0
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(table: Table, cell: u16) -> (Vec<u8>, u64, usize) {
        let mut rows = Rows::default();
        let mut largest = 0;
        let bytes = Stream::new(table, cell, 0, &mut rows, &|| false)
            .flat_map(|chunk| {
                let chunk = chunk.expect("nobody stops it");
                largest = largest.max(chunk.len());
                chunk
            })
            .collect();
        (bytes, rows.count(), largest)
    }

    /// Reads a stream as the server does, and returns the number of rows.
    fn read(bytes: &[u8], columns: usize) -> u64 {
        let number = |at: usize, length: usize| {
            bytes[at..at + length]
                .iter()
                .fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte))
        };
        let (mut at, mut rows) = (19, 0);
        while bytes[at..] != [0xff, 0xff] {
            assert_eq!(number(at, 2), columns as i64);
            at += 2;
            for _ in 0..columns {
                let length = number(at, 4);
                at += 4;
                if length != 0xffff_ffff {
                    at += length as usize;
                }
            }
            rows += 1;
        }
        rows
    }

    #[test]
    fn streams_have_the_columns_and_rows_that_are_announced() {
        for table in Table::ALL {
            let (bytes, written, largest) = stream(table, 42);
            assert_eq!(read(&bytes, table.columns().len()), written, "{table:?}");
            assert_eq!(count(table, 42), written, "{table:?}");
            assert!(largest < CHUNK + 4096, "{table:?}: {largest}");
        }
    }

    #[test]
    fn the_same_cell_is_the_same_bytes() {
        assert_eq!(stream(Table::Tickets, 7).0, stream(Table::Tickets, 7).0);
        assert_ne!(stream(Table::Tickets, 7).0, stream(Table::Tickets, 8).0);
    }

    #[test]
    fn a_stream_that_is_stopped_ends_in_an_error() {
        let mut rows = Rows::default();
        let chunks: Vec<_> = Stream::new(Table::Orders, 0, 0, &mut rows, &|| true).collect();
        assert_eq!(chunks, [Err(Stopped)]);
    }
}
