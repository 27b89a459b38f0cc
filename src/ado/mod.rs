//! ado
