//! `test`: repeats recorded calls and runs the test files of batches, and prints which gave what is expected.

use super::app::App;
use super::args::TestArgs;
use super::batch_test::{self, suites};
use super::recording::{self, TestTable};
use crate::error::{Error, ErrorKind, Result};

/// Runs the command. Returns the exit code.
pub(super) async fn run(app: &App, args: &TestArgs) -> Result<u8> {
    let suites = suites(&args.path, args.update)?;
    // A named case is one of a batch.
    let is_for_calls = args.path.is_dir() && args.case.is_empty();
    let calls = if is_for_calls { recording::find(&args.path)? } else { Vec::new() };
    if calls.is_empty() && suites.is_empty() {
        let (shown, place) = (args.path.display(), args.path.join("tests/NAME"));
        return Err(Error::new(ErrorKind::Usage, format!("{shown} has no recorded calls and no tests of batches")).advise(
            format!(
                "record a call: opnode query OPERATION_ID -c NAME --record {}; or test a batch: opnode test BATCH.yaml --update",
                place.display()
            ),
        ));
    }
    let mut table = TestTable::default();
    recording::repeat(app, &args.path, &calls, args.update, &mut table).await?;
    batch_test::run(app, &suites, (&args.case, args.update), &mut table).await?;
    table.print(app)
}
