/// The program that libophion_core runs as a worker process.
#include "isolation/worker_service.h"

int main(int count, char** arguments) { return ophion::serve_as_worker(count, arguments); }
