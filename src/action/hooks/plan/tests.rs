//! Every situation of a purpose, and what is done about it.
