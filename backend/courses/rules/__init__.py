"""Pure decisions about courses: texts of lessons, files of a course, who may open what, and when lessons come."""
