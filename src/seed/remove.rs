//! Takes the world out again, a cell at a time, through every trigger and foreign key: an order that
//! somebody added to it stops the removal instead of being left without its event.

use std::collections::BTreeSet;

use super::error::SeedError;
use super::ledger::Ledger;
use super::load::{Audience, Moved, commit};
use super::values::{Kind, id};
use crate::pg::session::Session;
use crate::report::seed::SeedProgress;

/// Removes cells until none is left or something stops it.
pub async fn remove(
    session: &Session,
    ledger: &Ledger,
    cells: &BTreeSet<u16>,
    audience: &mut Audience<'_>,
) -> Moved {
    let mut moved = Moved {
        cells: 0,
        rows: 0,
        error: None,
    };
    for cell in cells.iter().rev() {
        if (audience.stop)() {
            moved.error = Some(SeedError::Interrupted);
            return moved;
        }
        if let Err(error) = remove_cell(session, ledger, *cell).await {
            drop(session.run("rollback").await);
            moved.error = Some(error);
            return moved;
        }
        moved.cells += 1;
        (audience.told)(&SeedProgress {
            cell: u32::from(*cell),
            done: moved.cells,
            of: cells.len() as u32,
            rows: 0,
            table: None,
        });
    }
    moved.error = ledger.drop(session).await.err();
    moved
}

async fn remove_cell(session: &Session, ledger: &Ledger, cell: u16) -> Result<(), SeedError> {
    let failed = |at: &str| {
        let at = at.to_owned();
        move |failure| SeedError::Cell { cell, at, failure }
    };
    session
        .run("begin")
        .await
        .map_err(failed("its beginning"))?;
    for (table, sql) in deletions(cell) {
        session.run(&sql).await.map_err(failed(table))?;
    }
    let strike = ledger.strike(cell);
    session
        .run(&strike)
        .await
        .map_err(failed("the list of cells"))?;
    commit(session, cell).await
}

/// The deletions of a cell, children first.
fn deletions(cell: u16) -> Vec<(&'static str, String)> {
    let by = |table: &str, column: &str, kind: Kind| {
        format!("delete from {table} where {column} {}", range(kind, cell))
    };
    let own = |table: &'static str, kind: Kind| (table, by(table, "id", kind));
    vec![
        own("public.tickets", Kind::Ticket),
        own("public.attendees", Kind::Attendee),
        own("public.refunds", Kind::Refund),
        // Orders and payments refer to each other; items go with their orders.
        (
            "public.orders",
            format!(
                "with first as ({}) {}",
                by("public.payments", "id", Kind::Payment),
                by("public.orders", "id", Kind::Order)
            ),
        ),
        own("public.ticket_categories", Kind::Category),
        own("public.events", Kind::Event),
        // With them their members: a tenant that stays keeps its last owner.
        own("public.organizations", Kind::Organization),
        // Profiles go with their accounts.
        own("auth.users", Kind::User),
        // What was logged of these tenants, the deletions above included.
        (
            "public.audit_log",
            by("public.audit_log", "organization_id", Kind::Organization),
        ),
    ]
}

/// Returns the condition that holds for the ids of one kind in one cell, and for no others.
fn range(kind: Kind, cell: u16) -> String {
    format!(
        "between '{}' and '{}'",
        text(id(kind, cell, 0)),
        text(id(kind, cell, (1 << 48) - 1))
    )
}

/// Returns an id as SQL reads it.
fn text(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cells_range_ends_before_the_next_ones() {
        assert_eq!(
            range(Kind::Order, 0xffff),
            "between '5eed0040ffff40008000000000000000' and '5eed0040ffff40008000ffffffffffff'"
        );
        assert!(id(Kind::Order, 1, (1 << 48) - 1) < id(Kind::Order, 2, 0));
    }
}
