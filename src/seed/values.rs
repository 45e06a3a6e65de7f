//! Ids, times, names and numbers that follow from a row's number alone.

/// Times are microseconds since 2000-01-01, as the server's binary format has them.
const DAY: i64 = 86_400_000_000;
/// One second.
pub(super) const SECOND: i64 = 1_000_000;
/// 2026-01-01.
const YEAR_2026: i64 = 9_497;
/// The day that the world calls today, 2026-11-15.
pub(super) const TODAY: i64 = day(318);

const FIRST_NAMES: [&str; 24] = [
    "Ada", "Ben", "Clara", "David", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kaja",
    "Liam", "Mara", "Nils", "Olga", "Pavel", "Rosa", "Sven", "Tess", "Umar", "Vera", "Wim", "Yara",
    "Zoe",
];
const LAST_NAMES: [&str; 25] = [
    "Novak",
    "Okafor",
    "Reyes",
    "Lindqvist",
    "Moreau",
    "Brandt",
    "Sato",
    "Berg",
    "Castle",
    "Dubois",
    "Evans",
    "Ferro",
    "Grant",
    "Huber",
    "Ito",
    "Jensen",
    "Kerr",
    "Lang",
    "Marsh",
    "Nagy",
    "Ortega",
    "Pike",
    "Quist",
    "Rossi",
    "Shaw",
];

/// Which table an id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Organization = 0x0001,
    User = 0x0002,
    Event = 0x0021,
    Category = 0x0030,
    Order = 0x0040,
    Item = 0x0041,
    Payment = 0x0042,
    Refund = 0x0043,
    Attendee = 0x0045,
    Ticket = 0x0046,
}

/// Returns `5eedTTTT-CCCC-4000-8000-NNNNNNNNNNNN`: the table, the cell, the row. The ids of a cell
/// are one range, in the order in which they are written.
pub(super) fn id(kind: Kind, cell: u16, row: u64) -> [u8; 16] {
    let head = 0x5eed_0000_0000_4000_u64 | (kind as u64) << 32 | u64::from(cell) << 16;
    let tail = 0x8000_0000_0000_0000 | row;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&head.to_be_bytes());
    bytes[8..].copy_from_slice(&tail.to_be_bytes());
    bytes
}

/// Returns a number that looks random and is not: splitmix64's last steps over the arguments.
pub(super) fn mix(cell: u16, row: u32, salt: u8) -> u64 {
    let mut x = (u64::from(cell) << 40 | u64::from(row) << 8 | u64::from(salt))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Returns the midnight of a day of 2026, counted from 0; later ones are of the years after.
pub(super) const fn day(of_2026: i64) -> i64 {
    (YEAR_2026 + of_2026) * DAY
}

/// Returns a person's two names.
pub(super) fn name(cell: u16, row: u32) -> (&'static str, &'static str) {
    let at = mix(cell, row, b'n') as usize;
    (
        FIRST_NAMES[at % FIRST_NAMES.len()],
        LAST_NAMES[at / FIRST_NAMES.len() % LAST_NAMES.len()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_4_and_in_order() {
        let hex = |id: [u8; 16]| format!("{:032x}", u128::from_be_bytes(id));
        assert_eq!(
            hex(id(Kind::Ticket, 0x1234, 0x00ab_cdef)),
            "5eed0046123440008000000000abcdef"
        );
        assert!(id(Kind::Order, 1, 999) < id(Kind::Order, 2, 0));
    }

    #[test]
    fn numbers_are_the_same_on_every_machine() {
        assert_eq!(mix(0, 0, 0), 16_294_208_416_658_607_535);
        assert_ne!(mix(0, 1, 0), mix(1, 0, 0));
    }
}
