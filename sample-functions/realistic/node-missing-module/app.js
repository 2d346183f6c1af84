const express = require("express");

express().listen(9000, "0.0.0.0");
