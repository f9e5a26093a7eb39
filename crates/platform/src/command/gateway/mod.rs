//! `gateway`: the proxy between the old services and this one, and the commands that move traffic there or in a proxy of
//! somebody's own.

mod arguments;
mod control;
mod drive;
mod measure;
mod print;
mod serve;
mod top;

use std::process::ExitCode;

use self::arguments::DriveCommand;
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
        GatewayCommand::Drive(DriveCommand::Haproxy(arguments)) => drive::run(arguments),
        GatewayCommand::Drive(DriveCommand::HaproxyGuard(arguments)) => drive::guard(arguments),
        GatewayCommand::Print(arguments) => print::run(arguments),
    }
}
