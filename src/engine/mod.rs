//! Keeping a team's board live: applies deliveries as they arrive, compares with Azure DevOps every so often, and sees to it that only
//! one process does what one process should.
