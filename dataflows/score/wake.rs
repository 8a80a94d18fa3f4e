//! A callback that activates an operator which does not exist yet.

use std::sync::{Arc, OnceLock};

use timely::scheduling::SyncActivator;

/// Readers and writers are opened with a wake callback before the operator is built that they will wake.
/// Until it is bound, a wake does nothing: an operator looks at its source when it is first scheduled.
#[derive(Clone, Default)]
pub(super) struct LateWaker(Arc<OnceLock<SyncActivator>>);

impl LateWaker {
    /// The callback.
    pub(super) fn wake(&self) -> impl Fn() + Send + Sync + 'static {
        let target = Arc::clone(&self.0);
        move || {
            if let Some(activator) = target.get() {
                // The worker is gone: there is nobody to wake.
                let _ = activator.activate();
            }
        }
    }

    /// Says whom to wake; the first binding holds.
    pub(super) fn bind(&self, activator: SyncActivator) {
        let _ = self.0.set(activator);
    }
}
