//! Whether bytes from outside may be a spec: text, of a size people write.

/// The most bytes a spec may have.
pub const SIZE_LIMIT: usize = 1024 * 1024;

/// Why bytes are not taken as a spec. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("the spec is {bytes} bytes long, more than the {SIZE_LIMIT} taken; shorten it or move parts of it to other files")]
    TooLong { bytes: usize },
    #[error("the spec is not UTF-8: byte {offset} on line {line} begins no character; save it as UTF-8 and try again")]
    NotUtf8 { offset: usize, line: usize },
    #[error("the spec has a NUL character on line {line}; it looks like a binary file, remove it and try again")]
    Nul { line: usize },
}

/// The text of a spec, when the bytes are one.
pub fn validate(bytes: &[u8]) -> Result<&str, SpecError> {
    if bytes.len() > SIZE_LIMIT {
        return Err(SpecError::TooLong { bytes: bytes.len() });
    }
    let line_of = |offset: usize| bytes[..offset].iter().filter(|b| **b == b'\n').count() + 1;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        SpecError::NotUtf8 { offset, line: line_of(offset) }
    })?;
    match bytes.iter().position(|b| *b == 0) {
        Some(offset) => Err(SpecError::Nul { line: line_of(offset) }),
        None => Ok(text),
    }
}
