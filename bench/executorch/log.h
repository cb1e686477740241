// ExecuTorch's log, as this program shows it: what went wrong, and not what it noticed on its way.
#pragma once

namespace runner {

// Before anything of ExecuTorch is called.
void show_errors_only();

}  // namespace runner
