//! The only place that names the driver.
