//! The reader of phases.toml: any text gives a manifest or errors with a place, and never the same error twice.
#![no_main]

use std::collections::BTreeSet;

use evmig::cli::error::CommandError;
use evmig::project::Manifest;
use evmig_fuzz::shown;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else {
        return Corpus::Reject;
    };
    let read = Manifest::parse(text);
    assert_eq!(read, Manifest::parse(text));
    match &read {
        Ok(manifest) => sound(manifest),
        Err(errors) => {
            let lines = text.split('\n').count();
            for error in errors.as_slice() {
                if let Some(snippet) = &error.snippet {
                    assert!(
                        (1..=lines).contains(&(snippet.place.line as usize)),
                        "{error:?}"
                    );
                }
            }
            shown::assert_error(&CommandError::project(errors.as_slice()));
        }
    }
    // A comment changes nothing that a manifest says.
    if read.is_ok() {
        let commented = Manifest::parse(&format!("{text}\n# the end\n"));
        assert_eq!(commented.map(|m| m.phases), read.map(|m| m.phases));
    }
    Corpus::Keep
});

/// What every accepted manifest promises.
fn sound(manifest: &Manifest) {
    let numbers: Vec<u32> = manifest.phases.iter().map(|phase| *phase.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let names: BTreeSet<&str> = manifest
        .phases
        .iter()
        .map(|phase| phase.name.as_str())
        .collect();
    assert_eq!(names.len(), manifest.phases.len());
    for phase in &manifest.phases {
        for required in &phase.requires {
            assert!(names.contains(required.as_str()), "{required:?}");
        }
        assert!(manifest.snippet(phase.span).place.line > 0);
    }
}
