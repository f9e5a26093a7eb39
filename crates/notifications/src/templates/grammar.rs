//! What a template may say. Whoever writes one is not trusted with the machine: a value can be shown, chosen and gone
//! through, but nothing can be made that is larger than what was given. Fuel bounds how long a template runs, yet not
//! how large a text each step makes: ten lines of `{% set b = a ~ a %}` would fill the memory.
//!
//! It is looked at token by token, with the lexer of the engine itself, and before the engine parses it: long chains such
//! as `a.b.c.d`, or `elif` after `elif`, become trees as deep as they are long. The engine goes down them on the stack, and a
//! stack that overflows ends the program.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::engine::Fault;

/// The most tokens of one tag.
const LONGEST_TAG: usize = 100;
/// The most loops and conditions in each other.
const DEEPEST: usize = 8;
/// The most `elif`s of a template: each stands in the one before.
const MOST_ELIFS: usize = 50;

/// Refuses what a template may not say, with the line it stands in.
pub(super) fn check(source: &str) -> Result<(), Fault> {
    let mut tag = Tag::default();
    let (mut depth, mut elifs) = (0_usize, 0_usize);
    for token in tokenize(source, false, SyntaxConfig::default()) {
        let (token, span) = token.map_err(|error| Fault::of(&error))?;
        let line = usize::from(span.start_line);
        tag.length += 1;
        match &token {
            Token::VariableStart => tag = Tag::default(),
            Token::BlockStart => tag = Tag { is_statement: true, ..Tag::default() },
            Token::Ident(word) if tag.is_statement && tag.length == 1 => match *word {
                "if" | "for" => depth += 1,
                "endif" | "endfor" => depth = depth.saturating_sub(1),
                "elif" => elifs += 1,
                "else" => {}
                other => {
                    let reason = format!("`{other}` is not available: only if, elif, else, endif, for and endfor are");
                    return Err(Fault::new(line, reason));
                }
            },
            Token::Ident("recursive") => return Err(Fault::new(line, "`recursive` is not available")),
            Token::Plus
            | Token::Mul
            | Token::Div
            | Token::FloorDiv
            | Token::Pow
            | Token::Mod
            | Token::Tilde
            | Token::Colon
            | Token::BraceOpen
            | Token::BraceClose => return Err(Fault::new(line, format!("{token} is not available"))),
            Token::ParenOpen if tag.would_call => {
                return Err(Fault::new(line, "functions are not available: only filters, as in `{{ name|upper }}`"));
            }
            _ => {}
        }
        if tag.length > LONGEST_TAG {
            return Err(Fault::new(line, format!("a tag may not have more than {LONGEST_TAG} words and signs")));
        }
        if elifs > MOST_ELIFS {
            return Err(Fault::new(line, format!("there may not be more than {MOST_ELIFS} elifs")));
        }
        if depth > DEEPEST {
            return Err(Fault::new(line, format!("loops and conditions may not go deeper than {DEEPEST}")));
        }
        tag.see(&token);
    }
    Ok(())
}

/// The tag that is being read.
#[derive(Default)]
struct Tag {
    is_statement: bool,
    length: usize,
    /// Whether a filter's name comes next.
    piped: bool,
    /// Whether an opening parenthesis would call something.
    would_call: bool,
}

impl Tag {
    fn see(&mut self, token: &Token<'_>) {
        // Words that stand between values; a parenthesis after them groups.
        let joins = matches!(token, Token::Ident("if" | "elif" | "else" | "in" | "and" | "or" | "not" | "is"));
        let ends_value = matches!(
            token,
            Token::Ident(_) | Token::Str(_) | Token::String(_) | Token::BracketClose | Token::ParenClose
        );
        self.would_call = ends_value && !joins && !self.piped;
        self.piped = matches!(token, Token::Pipe);
        if matches!(token, Token::VariableEnd | Token::BlockEnd) {
            *self = Self::default();
        }
    }
}
