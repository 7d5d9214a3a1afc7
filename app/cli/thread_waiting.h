#pragma once

namespace endorm {

// Makes threads that wait for one another spin only briefly before they sleep. By default GNU OpenMP spins for
// milliseconds, and on a machine that is busy with other work a run then takes up to ten times as long; with short
// spins nothing is lost on an idle one. The library reads its settings before main, so the program starts itself again,
// once, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT say what the user wants.
void wait_briefly(char** arguments);

}  // namespace endorm
