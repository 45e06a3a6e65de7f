//! Colours and type, for light and dark surroundings.

use std::fmt::Write as _;

/// Hues of the domains, far from each other in this order.
pub(super) const HUES: [u16; 12] = [212, 24, 140, 268, 340, 48, 186, 296, 96, 4, 232, 164];

/// What does not depend on the domain.
const FIXED: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11px;fill:#1f2328}\
.page{fill:#fff}\
.title{font-size:20px;font-weight:600}\
.domain{font-size:15px;font-weight:600}\
.note,.type{fill:#59636e}\
.type{font-size:10px}\
.key{font-size:9px;font-weight:700}\
.name{font-size:12px;font-weight:600}\
.box{fill:#fff;stroke:#8c959f}\
.frame{stroke-width:1}\
a:hover text,a:focus text{text-decoration:underline}\
.line{fill:none;stroke-width:1.4}\
.line:hover{stroke-width:4}\
.end{stroke-width:1.4;fill:none}\
";
const FIXED_DARK: &str = "\
text{fill:#e6edf3}\
.page{fill:#0d1117}\
.note,.type{fill:#9198a1}\
.box{fill:#161b22;stroke:#6e7681}\
";

/// Returns the style sheet for so many domains.
pub(super) fn sheet(domains: usize) -> String {
    let mut light = String::from(FIXED);
    let mut dark = String::from(FIXED_DARK);
    for (at, hue) in HUES.iter().enumerate().take(domains.max(1)) {
        // Writing to a string cannot fail.
        let _ = write!(
            light,
            ".f{at}{{fill:hsl({hue},60%,97%);stroke:hsl({hue},35%,72%)}}\
             .h{at}{{fill:hsl({hue},65%,88%);stroke:#8c959f}}\
             .l{at}{{stroke:hsl({hue},70%,38%)}}.t{at}{{fill:hsl({hue},70%,30%)}}"
        );
        let _ = write!(
            dark,
            ".f{at}{{fill:hsl({hue},30%,9%);stroke:hsl({hue},30%,32%)}}\
             .h{at}{{fill:hsl({hue},40%,22%);stroke:#6e7681}}\
             .l{at}{{stroke:hsl({hue},60%,62%)}}.t{at}{{fill:hsl({hue},70%,76%)}}"
        );
    }
    format!("{light}@media(prefers-color-scheme:dark){{{dark}}}")
}

/// Which of the hues a domain has.
pub(super) fn hue(domain: usize) -> usize {
    domain % HUES.len()
}
