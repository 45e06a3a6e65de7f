//! The splitter against PostgreSQL's parser, on SQL that is mutated by the token.
#![no_main]

use arbitrary::Unstructured;
use evmig_fuzz::{differ, soup};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| -> Corpus {
    // evmig refuses a file that is not UTF-8 before it is split.
    let Ok(text) = std::str::from_utf8(data) else {
        return Corpus::Reject;
    };
    if let Err(difference) = differ::check(text) {
        panic!("{difference}");
    }
    Corpus::Keep
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = fastrand::Rng::with_seed(u64::from(seed));
    // A quarter is libFuzzer's own: bytes, and pieces of what it saw being compared.
    if random.u8(..4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let text = String::from_utf8_lossy(&data[..size]).into_owned();
    let choices: Vec<u8> = (0..2048).map(|_| random.u8(..)).collect();
    let Ok(mutated) = soup::mutate(&text, &mut Unstructured::new(&choices)) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let length = mutated.len().min(max_size);
    data[..length].copy_from_slice(&mutated.as_bytes()[..length]);
    length
});
