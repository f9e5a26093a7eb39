//! COPY, which takes a hundred thousand rows in about a second.

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio_postgres::Client;

use crate::legacy::fault::Fault;

/// Rows of one table that wait to be sent.
pub(super) struct Table {
    name: &'static str,
    columns: &'static str,
    text: String,
    pub(super) rows: usize,
}

/// Bytes of a message.
const CHUNK: usize = 1 << 20;

impl Table {
    pub(super) const fn new(name: &'static str, columns: &'static str) -> Self {
        Self { name, columns, text: String::new(), rows: 0 }
    }

    /// One row, its values in the order of the columns.
    pub(super) fn row(&mut self, values: &[Option<&str>]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.text.push('\t');
            }
            match value {
                None => self.text.push_str("\\N"),
                Some(value) => self.escaped(value),
            }
        }
        self.text.push('\n');
        self.rows += 1;
    }

    fn escaped(&mut self, value: &str) {
        for letter in value.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '\t' => self.text.push_str("\\t"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                other => self.text.push(other),
            }
        }
    }

    /// Sends the rows and says how many they were.
    pub(super) async fn send(self, client: &Client) -> Result<usize, Fault> {
        let sql = format!("COPY {} ({}) FROM STDIN", self.name, self.columns);
        let mut sink = pin!(client.copy_in::<_, Bytes>(&sql).await?);
        let mut rest = Bytes::from(self.text);
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(CHUNK));
            sink.send(chunk).await?;
        }
        sink.finish().await?;
        Ok(self.rows)
    }
}

/// A truth value as COPY reads it.
pub(super) const fn flag(value: bool) -> &'static str {
    if value { "t" } else { "f" }
}
