//! `livinglock completions` and `livinglock man`: what shells and manuals want to know of the commands.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Command, CommandFactory, ValueEnum, ValueHint};

use super::Arguments;
use crate::error::{Error, Kind, Result};

/// Print the completions of a shell.
///
/// They complete commands, options and paths. Where they belong differs between systems; a package puts them where the shell looks.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0 they were printed; 73 they could not be.

Examples:
  livinglock completions bash > /usr/share/bash-completion/completions/livinglock
  livinglock completions zsh > /usr/local/share/zsh/site-functions/_livinglock
  livinglock completions fish > ~/.config/fish/completions/livinglock.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl From<Shell> for clap_complete::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

impl Completions {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let mut script = Vec::new();
        let shell = clap_complete::Shell::from(self.shell);
        clap_complete::generate(shell, &mut Arguments::command(), "livinglock", &mut script);
        print(&script)
    }
}

/// Print a manual page, or write all of them into a folder.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0 the pages were written; 73 they could not be.

Examples:
  livinglock man /usr/local/share/man/man1
  livinglock man --of stop | man -l -")]
pub(super) struct Man {
    /// Print the page of this command instead of the first one
    #[arg(long, value_name = "COMMAND", conflicts_with = "folder")]
    of: Option<String>,
    /// Write all pages into this folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let mut command = Arguments::command().disable_help_subcommand(true);
        // Only a built command knows what its own commands are called in full.
        command.build();
        if let Some(folder) = &self.folder {
            for of in [&command].into_iter().chain(command.get_subcommands()) {
                page(of)
                    .generate_to(folder)
                    .map_err(|error| Error::io("write manual pages into", folder, error))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let of = match &self.of {
            None => Some(&command),
            Some(name) => command.find_subcommand(name),
        };
        let Some(of) = of else {
            return Err(Kind::Setting("there is no such command; see `livinglock --help`").into());
        };
        let mut text = Vec::new();
        // Into memory: that cannot fail.
        let _: io::Result<()> = page(of).render(&mut text);
        print(&text)
    }
}

fn page(of: &Command) -> clap_mangen::Man {
    clap_mangen::Man::new(of.clone()).source(concat!("livinglock ", env!("CARGO_PKG_VERSION")))
}

fn print(text: &[u8]) -> Result<ExitCode> {
    match io::stdout().write_all(text) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::io("write to", Path::new("standard output"), error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
