//! A dry run as a comment on a pull request, and as a page.
//!
//! `words` has what both say, `diff` what an object was and will be; `markdown` and `html` write it down, `timeline`
//! draws who has to wait when.

mod diff;
mod html;
mod markdown;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

pub use html::html;
pub use markdown::markdown;
