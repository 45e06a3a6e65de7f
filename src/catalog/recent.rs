//! Texts that come again and again, in memory once: most of what is said of a large catalog is one of few words.

use std::sync::Arc;

use super::model::{Identity, Kind};

/// What objects are called that are read one after the other: a table's columns share its name.
#[derive(Default)]
pub(super) struct Names {
    schemas: Recent,
    parents: Recent,
    own: Recent,
}

impl Names {
    /// Makes an identity of names that others may have, too.
    pub(super) fn identity(
        &mut self,
        kind: Kind,
        schema: Option<&str>,
        parent: Option<&str>,
        name: &str,
    ) -> Identity {
        Identity {
            kind,
            schema: schema.map(|name| self.schemas.share(name)),
            parent: parent.map(|name| self.parents.share(name)),
            name: self.own.share(name),
        }
    }
}

/// The last few texts at one place, each of which is shared by all that have it.
#[derive(Default)]
pub(super) struct Recent {
    texts: Vec<Arc<str>>,
    oldest: usize,
}

impl Recent {
    /// How many texts are looked through.
    const COUNT: usize = 8;
    /// Longer ones are definitions and the like: hardly any comes twice.
    const LONGEST: usize = 32;

    /// Returns a text as one that others may have, too.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if text.len() > Self::LONGEST {
            return Arc::from(text);
        }
        if let Some(known) = self.texts.iter().find(|known| ***known == *text) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(text);
        if self.texts.len() < Self::COUNT {
            self.texts.push(new.clone());
        } else {
            self.texts[self.oldest] = new.clone();
            self.oldest = (self.oldest + 1) % Self::COUNT;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_shared_and_every_text_is_its_own() {
        let mut recent = Recent::default();
        let first = recent.share("bigint");
        assert!(Arc::ptr_eq(&first, &recent.share("bigint")));
        for number in 0..3 * Recent::COUNT {
            let text = number.to_string();
            assert_eq!(&*recent.share(&text), text);
            assert_eq!(&*recent.share(&text), text);
        }
        assert!(!Arc::ptr_eq(&first, &recent.share("bigint")));
        let long = "x".repeat(Recent::LONGEST + 1);
        assert_eq!(&*recent.share(&long), long);
        assert!(recent.texts.len() <= Recent::COUNT);
    }
}
