//! The state machine: steps in order, each announced in the journal before it is done, under a lock that only one tool
//! can have.
//!
//! A new step is a type that implements [`Step`], in a folder of its own, and a line in `steps.rs`.

mod control;
mod cx;
mod folder;
mod lock;
mod machine;
mod pace;
mod plan;
mod programs;
mod status;
mod step;

pub use control::{Pause, pause, unpause};
pub use cx::{Cx, Setup, Watch};
pub use folder::Folder;
pub use lock::{Holder, Lock};
pub use machine::{Done, dry_run, roll_back, run};
pub use pace::Pace;
pub use plan::{Plan, Wishes};
pub use programs::Tools;
pub(crate) use status::held;
pub use status::{Progress, State, Status, StepStatus, status};
pub use step::{Call, Doing, Preview, Step};

pub(crate) use lock::{APPLICATION, holder};
pub(crate) use programs::{connected, finish, version};
