//! A command that is a family of commands, such as `kanado repos link`.

/// The member of the family; nothing where none was named.
#[derive(Debug, clap::Args)]
pub struct Which<C: clap::Subcommand> {
    #[command(subcommand)]
    pub command: Option<C>,
}
