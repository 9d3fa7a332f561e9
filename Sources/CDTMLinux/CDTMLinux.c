#include "CDTMLinux.h"
