//! The command-line splitter: what it gives can be executed, whatever the environment holds.
use gitproc_unit::command::parse_commands;
use gitproc_unit::expand;

pub fn run(text: &str) {
    let commands = match parse_commands(text, |word| Ok(word.to_owned())) {
        Ok(commands) => commands,
        Err(error) => error.kept,
    };
    let env = [("A", "b c"), ("B", "'d \"e"), ("C", "")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for command in commands {
        assert!(!command.path.is_empty(), "{command:?}");
        assert!(!command.argv.is_empty(), "{command:?}");
        expand(&command, &env);
    }
}
