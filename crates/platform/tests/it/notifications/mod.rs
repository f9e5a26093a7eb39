mod reader;
mod stream;
mod stream_durability;
mod stream_process;
