//! Bounded, timed reading of a URL or a folder.
