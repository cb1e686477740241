# Debian's cross compiler: apt-get install g++-arm-linux-gnueabihf
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
# gcc tells on every build that an ABI changed in gcc 7; nothing here is older.
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)
