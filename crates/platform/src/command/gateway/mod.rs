//! `gateway`: the proxy between the old services and this one, and the commands that move traffic there.

mod arguments;
mod control;
mod measure;
mod serve;
mod top;

use std::process::ExitCode;

pub(super) use self::arguments::GatewayCommand;

pub(super) fn run(command: &GatewayCommand) -> anyhow::Result<ExitCode> {
    match command {
        GatewayCommand::Serve(arguments) => serve::run(arguments),
        GatewayCommand::Status(socket) => control::status(socket),
        GatewayCommand::Set(arguments) => control::set(arguments),
        GatewayCommand::Return { anyway, order } => control::order(order, "/return", &[("anyway", (*anyway).into())]),
        GatewayCommand::Force(arguments) => control::force(arguments),
        GatewayCommand::Top(arguments) => top::run(arguments),
        GatewayCommand::Freeze(order) => control::order(order, "/freeze", &[]),
        GatewayCommand::Thaw(order) => control::order(order, "/thaw", &[]),
        GatewayCommand::Confirm(order) => control::order(order, "/confirm", &[]),
        GatewayCommand::Counters(arguments) => measure::counters(arguments),
        GatewayCommand::Gates(arguments) => measure::gates(arguments),
        GatewayCommand::Arm(order) => control::order(order, "/arm", &[]),
        GatewayCommand::Disarm(order) => control::order(order, "/disarm", &[]),
        GatewayCommand::Shadow(command) => measure::shadow(command),
    }
}
