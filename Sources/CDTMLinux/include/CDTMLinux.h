#ifndef CDTMLINUX_H
#define CDTMLINUX_H
#endif
