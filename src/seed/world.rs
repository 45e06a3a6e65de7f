//! How large the world is, and what each of its orders is. A cell is the sample world once, with an
//! account for everybody; the world is as many cells as its scale says, and no cell knows another.

use super::values::{SECOND, TODAY, day, mix};

/// More cells than this have no ids.
pub const MOST_CELLS: u32 = 65_535;
/// Organizations of a cell.
pub(super) const ORGANIZATIONS: u32 = 3;
/// Accounts of a cell.
pub(super) const USERS: u32 = 1_200;
/// The first accounts work for the organizations, in turn.
pub(super) const MEMBERS: u32 = 30;
/// Events of a cell.
pub(super) const EVENTS: u32 = 25;
/// The first events are on sale.
pub(super) const EVENTS_ON_SALE: u32 = 22;
/// Ticket categories of an event.
pub(super) const CATEGORIES: u32 = 3;
/// Orders of a cell.
pub(super) const ORDERS: u32 = 5_000;
/// Tickets of each category; no cell sells as many.
pub(super) const CAPACITY: i32 = 1_000;

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Confirmed,
    PartiallyRefunded,
    Refunded,
    Cancelled,
    Expired,
}

impl Status {
    /// Returns the word that the table has for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Returns whether it was paid, whatever came later.
    pub(super) fn was_paid(self) -> bool {
        matches!(
            self,
            Self::Confirmed | Self::PartiallyRefunded | Self::Refunded
        )
    }
}

/// One line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// The category, from 0 within the event.
    pub(super) category: u32,
    /// How many tickets.
    pub(super) quantity: u32,
}

/// One order, with everything that follows from its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// Its number within the cell.
    pub(super) number: u32,
    /// The event, from 0 within the cell.
    pub(super) event: u32,
    /// Who bought, from 0 within the cell.
    pub(super) user: u32,
    /// How it ended.
    pub(super) status: Status,
    /// The first item.
    pub(super) first: Item,
    /// The second item, of another category.
    pub(super) second: Option<Item>,
    /// When it was made.
    pub(super) created: i64,
}

impl Order {
    /// Makes order `number` of a cell.
    pub(super) fn new(cell: u16, number: u32) -> Self {
        let chance = mix(cell, number, b'o');
        let event = number % EVENTS_ON_SALE;
        let ahead = start(event) > TODAY;
        let status = match chance % 100 {
            95 | 96 => Status::Cancelled,
            97 => Status::Expired,
            98 | 99 if ahead => Status::Pending,
            90..=92 => Status::Refunded,
            93 | 94 => Status::PartiallyRefunded,
            _ => Status::Confirmed,
        };
        let category = match chance / 100 % 10 {
            0..=2 => 0,
            3..=7 => 1,
            _ => 2,
        };
        let (opens, closes) = (sales_start(event), start(event).min(TODAY));
        let share = (chance / 100_000 % 10_000) as i64;
        Self {
            number,
            event,
            user: (chance / 1_000 % u64::from(USERS - MEMBERS)) as u32 + MEMBERS,
            status,
            first: Item {
                category,
                quantity: 1 + (chance / 7_000 % 3) as u32,
            },
            second: number.is_multiple_of(4).then_some(Item {
                category: (category + 1) % CATEGORIES,
                quantity: 1,
            }),
            created: opens + (closes - opens) / 10_000 * share,
        }
    }

    /// Returns its items with their numbers within the cell.
    pub(super) fn items(&self) -> impl Iterator<Item = (u64, Item)> + use<> {
        let first = u64::from(self.number) * 2;
        std::iter::once((first, self.first)).chain(self.second.map(|item| (first + 1, item)))
    }

    /// Returns the number of tickets.
    pub(super) fn quantity(&self) -> u32 {
        self.first.quantity + self.second.map_or(0, |item| item.quantity)
    }

    /// Returns the price of all items.
    pub(super) fn total(&self) -> i64 {
        self.items()
            .map(|(_, item)| i64::from(item.quantity) * price(self.event, item.category))
            .sum()
    }

    /// Returns when it was paid.
    pub(super) fn paid(&self) -> Option<i64> {
        self.status.was_paid().then(|| self.created + 40 * SECOND)
    }

    /// Returns when it was given up.
    pub(super) fn given_up(&self) -> Option<i64> {
        matches!(self.status, Status::Cancelled | Status::Expired)
            .then(|| self.created + 900 * SECOND)
    }
}

/// Returns what was sold of each category of a cell, and not given back.
pub(super) fn sold(cell: u16) -> Vec<u32> {
    let mut sold = vec![0; (EVENTS * CATEGORIES) as usize];
    for number in 0..ORDERS {
        let order = Order::new(cell, number);
        if matches!(order.status, Status::Confirmed | Status::PartiallyRefunded) {
            for (_, item) in order.items() {
                let at = order.event * CATEGORIES + item.category;
                if let Some(count) = sold.get_mut(at as usize) {
                    *count += item.quantity;
                }
            }
        }
    }
    sold
}

/// Returns the price of a category, in cents.
pub(super) fn price(event: u32, category: u32) -> i64 {
    let base = 4_000 + 500 * i64::from(event % 7);
    match category {
        0 => base * 8 / 10,
        1 => base,
        _ => base * 3,
    }
}

/// Returns when an event begins: every 29 days, at nine.
pub(super) fn start(event: u32) -> i64 {
    day(16 + 29 * i64::from(event)) + 9 * 3_600 * SECOND
}

/// Returns when its tickets go on sale.
pub(super) fn sales_start(event: u32) -> i64 {
    (start(event) - (day(150) - day(0))).min(day(273) + 8 * 3_600 * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_sells_more_than_there_is() {
        for cell in [0, 1, 77, 999, 65_535] {
            let sold = sold(cell);
            assert!(
                sold.iter().all(|&count| count < CAPACITY as u32),
                "{sold:?}"
            );
            let total: u32 = sold.iter().sum();
            assert!(total > 8_000, "{total}");
        }
    }

    #[test]
    fn orders_are_made_while_tickets_are_on_sale() {
        for number in 0..ORDERS {
            let order = Order::new(3, number);
            assert!(order.created >= sales_start(order.event));
            assert!(order.created < start(order.event).min(TODAY));
            assert!(order.total() > 0);
        }
    }
}
