//! A dry run as a comment on a pull request, and as a page.
//!
//! `words` has what both say; `markdown` and `html` write it down, `timeline` draws who has to wait when.

mod html;
mod markdown;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

pub use html::html;
pub use markdown::markdown;
