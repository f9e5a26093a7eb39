//! A real HAProxy, driven by the words of the gateway.

mod gates;
mod running;
mod threshold;
mod weights;
